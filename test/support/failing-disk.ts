/**
 * A disk that fails when a test says so: every call of this process that changes a file or a SQLite
 * database asks a plan first. For processes without jest, whose modules have copies of Node's own.
 */
import files from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import sqlite from "node:sqlite";

interface DiskCall {
  readonly name: string;
  /** Whether a disk without room refuses it. */
  readonly needsRoom: boolean;
  /** The first argument: a file's name, or a statement. */
  readonly subject: string;
}

/** No room, and nothing was done; an error of the disk, and nothing was done; the same, after it was done. */
export type DiskFault = "full" | "error" | "error after";

/** What becomes of a call; null for nothing out of the ordinary. */
export type DiskPlan = (call: DiskCall) => DiskFault | null;

export const disk: { plan: DiskPlan } = { plan: () => null };

/** As the system and as SQLite say it. */
function told(fault: DiskFault): Error {
  const [code, errcode] = fault === "full" ? ["ENOSPC", 13] : ["EIO", 10];
  return Object.assign(new Error(`injected: ${code}`), { code, errcode });
}

function asking(owner: object, name: string, asynchronous: boolean, room: boolean): void {
  const real: unknown = Reflect.get(owner, name);
  if (typeof real !== "function") throw new Error(`there is no ${name}`);
  Reflect.set(owner, name, function (this: unknown, ...args: readonly unknown[]): unknown {
    const act = (): unknown => Reflect.apply(real, this, args);
    if (!changes(name, args)) return act();
    const needsRoom = room && args[0] !== "ROLLBACK";
    const fault = disk.plan({ name, needsRoom, subject: String(args[0]) });
    if (fault === null) return act();
    const fail = (): never => {
      throw told(fault);
    };
    const done = fault === "error after" ? act() : null;
    return asynchronous ? Promise.resolve(done).then(fail) : fail();
  });
}

/** Opening a file to read it changes nothing, and neither does making a folder that is there. */
function changes(name: string, [first, second]: readonly unknown[]): boolean {
  if (name === "mkdirSync") return !files.existsSync(String(first));
  return name !== "open" || (Number(second) & files.constants.O_CREAT) !== 0;
}

const handle = await promises.open(new URL(import.meta.url));
const handles = Object.getPrototypeOf(handle) as object;
await handle.close();
for (const name of ["open", "link", "rename", "copyFile"]) asking(promises, name, true, true);
for (const name of ["unlink", "rm"]) asking(promises, name, true, false);
for (const name of ["writeFile", "sync"]) asking(handles, name, true, true);
for (const name of ["mkdirSync", "linkSync"]) asking(files, name, false, true);
for (const name of ["renameSync", "rmSync", "rmdirSync"]) asking(files, name, false, false);
asking(sqlite, "backup", true, true);
for (const name of ["exec", "close"]) {
  asking(sqlite.DatabaseSync.prototype, name, false, name === "exec");
}
asking(sqlite.StatementSync.prototype, "run", false, true);
syncBuiltinESMExports();
