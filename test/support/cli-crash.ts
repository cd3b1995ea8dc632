/**
 * Preloaded into a command (`node --import`), so that a test can cut a run at every step that it has. Just
 * before its n-th change of the file system the process is killed, without a last word (CRASH_AT), or the
 * disk takes nothing from then on (FULL_AT).
 */
import files from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import sqlite from "node:sqlite";

const crashAt = Number(process.env["CRASH_AT"]);
const fullAt = Number(process.env["FULL_AT"]);
const state = { calls: 0 };

/** What a full disk says, as the system and as SQLite. */
const full = (): Error => Object.assign(new Error("no space"), { code: "ENOSPC", errcode: 13 });

/** @param needs whether a full disk keeps it from being done */
function step(owner: object, name: string, needs: boolean, fail: () => unknown): void {
  const real: unknown = Reflect.get(owner, name);
  if (typeof real !== "function") throw new Error(`there is no ${name}`);
  Reflect.set(owner, name, function (this: unknown, ...args: readonly unknown[]): unknown {
    state.calls += 1;
    if (state.calls === crashAt) process.kill(process.pid, "SIGKILL");
    if (state.calls >= fullAt && needs && takesRoom(name, args)) return fail();
    return Reflect.apply(real, this, args) as unknown;
  });
}

/** A file that is opened to be read needs none, and neither does a folder that is there. */
function takesRoom(name: string, [first, second]: readonly unknown[]): boolean {
  if (name === "mkdirSync") return !files.existsSync(String(first));
  return name !== "open" || (Number(second) & files.constants.O_CREAT) !== 0;
}

const reject = (): Promise<never> => Promise.reject(full());
const fail = (): never => {
  throw full();
};
for (const name of ["open", "link", "rename", "copyFile"]) step(promises, name, true, reject);
for (const name of ["unlink", "rm"]) step(promises, name, false, reject);
for (const name of ["mkdirSync", "linkSync"]) step(files, name, true, fail);
for (const name of ["renameSync", "rmSync", "rmdirSync"]) step(files, name, false, fail);
step(sqlite, "backup", true, reject);
step(sqlite.DatabaseSync.prototype, "exec", true, fail);
step(sqlite.DatabaseSync.prototype, "close", false, fail);
syncBuiltinESMExports();
