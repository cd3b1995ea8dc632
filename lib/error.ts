/**
 * The one error class. Domain code throws codes; api/status.ts maps each code to a status and
 * cli/exit.ts maps each to an exit code and a hint, and neither compiles with a row missing.
 *
 * A message is lower case, names the thing, and says what was expected and what came. It never
 * holds a secret: messages travel to clients and logs.
 */

export type ErrorCode =
  // what a caller sent
  | "malformed"
  | "too-large"
  | "unsupported-media-type"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "method-not-allowed"
  | "timeout"
  | "uri-too-long"
  | "headers-too-large"
  | "expectation-failed"
  | "idempotency-key-reused"
  // what the state does not allow
  | "factory-exists"
  | "version-conflict"
  | "channel-behind"
  | "roots-behind"
  | "too-many-roots"
  | "update-in-progress"
  | "no-root-update"
  | "initial-key-gone"
  | "delivery-used"
  | "delivery-expired"
  | "delivery-replaced"
  | "delivery-mismatch"
  | "not-replaceable"
  | "busy"
  // what a rule refuses
  | "root-refused"
  | "targets-refused"
  | "signing-refused"
  // what may be asked again as it is
  | "unavailable"
  | "storage-unavailable"
  // what the owner's machine found
  | "archive-invalid"
  | "archive-busy"
  | "file-exists"
  | "file-changed"
  | "chain-broken"
  | "log-broken"
  | "clock-doubtful"
  | "link-invalid"
  | "server-unreachable"
  | "server-refused"
  | "usage"
  | "internal";

export interface ErrorDetails {
  /** One line per finding; fioctl prints them below the message. */
  readonly errors?: readonly string[];
  /** The same findings with their codes, for programs. */
  readonly issues?: readonly { readonly code: string; readonly message: string }[];
  /** Further members of the HTTP answer, such as the current version. */
  readonly facts?: Readonly<Record<string, string | number>>;
  /** The failed write may have been applied: nobody knows. No part of an answer. */
  readonly inDoubt?: true;
}

export class RootwardError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = "RootwardError";
    this.code = code;
    this.details = details;
  }
}

/** Whether `error` is ours, whichever copy of this file made it: a bundle has a copy of its own. */
export function isRootwardError(error: unknown): error is RootwardError {
  return Error.isError(error) && error.name === "RootwardError" && "code" in error;
}

/** SQLite makes this of ENOSPC; the files beside it have the system's own codes. */
const SQLITE_FULL = 13;
const SYSTEM = new Set(["ENOSPC", "EDQUOT"]);

/** Whether an error says that a disk, or a quota, has no room left. */
export function isStorageFull(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, errcode, cause } = error as Record<"code" | "errcode" | "cause", unknown>;
  if (errcode === SQLITE_FULL || SYSTEM.has(String(code))) return true;
  return cause !== undefined && cause !== error && isStorageFull(cause);
}

/** For the `default` of a switch over a closed union: compiles only while nothing is left over. */
export function unreachable(value: never): never {
  throw new RootwardError("internal", `unexpected ${String(value)}`);
}
