import { defineConfig } from "vitest/config";

/** Node's own process per core, and every module evaluated once in it: no test may change one. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    isolate: false,
    // Most suites wait for processes and disks, so one a core is not too many.
    maxWorkers: "100%",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
