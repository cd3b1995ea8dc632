/**
 * Errors of SQLite and of files by what can be done about them: a lock that another program holds ends
 * by itself, and a disk that takes nothing needs the operator. Everything else is a fault of ours.
 */
import { RootwardError } from "../../error.ts";
import { errorCode } from "../../files.ts";

const BUSY = 5;
const LOCKED = 6;
const DISK_ERROR = 10;
const FULL = 13;
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26]);
/** SQLITE_IOERR_SHMSIZE: no room for the index of the log, which a start makes. */
const NO_ROOM_FOR_INDEX = 4874;

/** Primary result codes of SQLite that mean: the file cannot be written now. */
const UNWRITABLE: ReadonlyMap<number, string> = new Map([
  [8, "the file or its file system is read-only"],
  [DISK_ERROR, "the disk reports an error"],
  [FULL, "the disk is full"],
  [14, "the file cannot be opened"],
]);

/** The same of files, by the codes of the operating system. */
const UNWRITABLE_FILES: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "the quota is used up"],
  ["EROFS", "the file system is read-only"],
  ["EIO", "the disk reports an error"],
]);

/** Another reader keeps the write-ahead log in use, so it cannot be emptied. */
export class LogInUse extends Error {}

export function isLocked(error: unknown): boolean {
  if (error instanceof LogInUse) return true;
  const code = primary(error);
  return code === BUSY || code === LOCKED;
}

/** A file that is no database, or one whose content makes no sense. */
export function isDamaged(error: unknown): boolean {
  return DAMAGED.has(primary(error));
}

/**
 * The error for a database or a file that cannot be written, or read, at present.
 *
 * @returns RootwardError `storage-unavailable`; null for an error of another kind
 */
export function storageError(error: unknown): RootwardError | null {
  if (isLocked(error)) {
    return unavailable("another program keeps the service's database locked: try again");
  }
  const reason =
    resultCode(error) === NO_ROOM_FOR_INDEX
      ? UNWRITABLE.get(FULL)
      : (UNWRITABLE.get(primary(error)) ?? UNWRITABLE_FILES.get(errorCode(error) ?? ""));
  if (reason === undefined) return null;
  return unavailable(`the service cannot store anything: ${reason}`, primary(error) === DISK_ERROR);
}

/** Runs `write`; where the disk takes nothing, the error says so. */
export async function stored<T>(write: Promise<T>): Promise<T> {
  return write.catch((error: unknown) => {
    throw storageError(error) ?? error;
  });
}

/** @param inDoubt whether what was written before the error may come back after a crash */
function unavailable(message: string, inDoubt = false): RootwardError {
  return new RootwardError("storage-unavailable", message, inDoubt ? { inDoubt } : {});
}

/** Without the extension, such as 5 of SQLITE_BUSY_SNAPSHOT (517). */
function primary(error: unknown): number {
  return resultCode(error) & 0xff;
}

/** The result code of SQLite, with its extension; 0 for an error of anything else. */
function resultCode(error: unknown): number {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return 0;
  return typeof error.errcode === "number" ? error.errcode : 0;
}
