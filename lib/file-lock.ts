/**
 * A lock on a file that belongs to one process and ends with it, however it ends: never stale and
 * never guessed at. It is the operating system's, taken through SQLite on an empty file that stays.
 * Nothing is written, so it can be taken on a full disk. On network file systems without such locks
 * it keeps nobody out.
 */
import { DatabaseSync } from "node:sqlite";

export interface FileLock {
  release(): void;
}

/**
 * @param file made where it does not exist; nothing else may be kept in it
 * @returns null while another holder has it
 * @throws any Error where the file cannot be made, or is no lock
 */
export function lockFile(file: string): FileLock | null {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (Error.isError(error) && error.message.includes("locked")) return null;
    throw error;
  }
}
