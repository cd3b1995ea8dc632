import { defineConfig } from "vitest/config";

/** Node's own process per core, and every module evaluated once in it: no test may change one. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    isolate: false,
    // Most suites wait for processes and disks, so one a core is not too many.
    maxWorkers: "100%",
    // Modules of a worker read these once, whichever test loads them first: log lines through the process's own
    // console, and numbers nowhere.
    env: {
      POWERTOOLS_DEV: "true",
      POWERTOOLS_METRICS_NAMESPACE: "Rootward",
      POWERTOOLS_METRICS_DISABLED: "true",
    },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
