/**
 * Whether an error says that a disk, or a quota, has no room left. SQLite makes SQLITE_FULL of ENOSPC; the
 * files beside it have the system's own codes.
 */
const SQLITE_FULL = 13;
const SYSTEM = new Set(["ENOSPC", "EDQUOT"]);

export function isStorageFull(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, errcode, cause } = error as Record<"code" | "errcode" | "cause", unknown>;
  if (errcode === SQLITE_FULL || SYSTEM.has(String(code))) return true;
  return cause !== undefined && cause !== error && isStorageFull(cause);
}
