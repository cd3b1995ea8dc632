/**
 * Preloaded into a command (`node --import`): kills the process, without a last word, just before its
 * n-th change of the file system (CRASH_AT), so that a test can cut a run at every step that it has.
 */
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const at = Number(process.env["CRASH_AT"]);
const state = { calls: 0 };

for (const name of ["open", "link", "rename", "unlink", "rm", "copyFile"] as const) {
  const real = promises[name];
  Reflect.set(promises, name, (...args: readonly unknown[]): unknown => {
    state.calls += 1;
    if (state.calls === at) process.kill(process.pid, "SIGKILL");
    return Reflect.apply(real, promises, args) as unknown;
  });
}
syncBuiltinESMExports();
