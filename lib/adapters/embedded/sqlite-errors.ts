/**
 * Errors of SQLite by what can be done about them: a lock that another program holds ends by itself,
 * and a disk that takes nothing needs the operator. Everything else is a fault of ours.
 */
import { RootwardError } from "../../error.ts";

const BUSY = 5;
const LOCKED = 6;

/** Primary result codes of SQLite that mean: the file cannot be written now. */
const UNWRITABLE: ReadonlyMap<number, string> = new Map([
  [8, "the file or its file system is read-only"],
  [10, "the disk reports an error"],
  [13, "the disk is full"],
  [14, "the file cannot be opened"],
]);

/** Another reader keeps the write-ahead log in use, so it cannot be emptied. */
export class LogInUse extends Error {}

export function isLocked(error: unknown): boolean {
  if (error instanceof LogInUse) return true;
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/**
 * What a caller is told of a database that cannot be written, or read, at present.
 *
 * @returns RootwardError `storage-unavailable`; null for an error of another kind
 */
export function storageError(error: unknown): RootwardError | null {
  if (isLocked(error)) {
    return unavailable("another program keeps the service's database locked: try again");
  }
  const reason = UNWRITABLE.get(primaryCode(error) ?? -1);
  return reason === undefined
    ? null
    : unavailable(`the service's database cannot be written: ${reason}`);
}

function unavailable(message: string): RootwardError {
  return new RootwardError("storage-unavailable", message);
}

/** Without the extension, such as 5 of SQLITE_BUSY_SNAPSHOT (517). */
function primaryCode(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return null;
  return typeof error.errcode === "number" ? error.errcode & 0xff : null;
}
