/** The one table from error code to HTTP status. It does not compile with a row missing. */
import type { ErrorCode } from "../error.ts";

export const STATUS: Readonly<Record<ErrorCode, number>> = {
  malformed: 400,
  "too-large": 413,
  "unsupported-media-type": 415,
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  "method-not-allowed": 405,
  timeout: 408,
  "uri-too-long": 414,
  "expectation-failed": 417,
  "headers-too-large": 431,
  "idempotency-key-reused": 422,
  "factory-exists": 409,
  "version-conflict": 409,
  "channel-behind": 409,
  "roots-behind": 409,
  "too-many-roots": 409,
  "update-in-progress": 409,
  "no-root-update": 404,
  "initial-key-gone": 409,
  "delivery-used": 410,
  "delivery-expired": 410,
  "delivery-replaced": 410,
  "delivery-mismatch": 422,
  "not-replaceable": 409,
  busy: 423,
  "root-refused": 422,
  "targets-refused": 422,
  // The signer is away, such as while it is started again, or there are too many connections.
  unavailable: 503,
  // A database is locked by another program, or a disk takes nothing. The parts that the request stored
  // before stay, and repeating it is safe.
  "storage-unavailable": 503,
  // The service asked the boundary for something wrong: our fault, for every caller.
  "signing-refused": 500,
  // Errors that only an owner's machine finds never reach HTTP.
  "archive-invalid": 500,
  "archive-busy": 500,
  "file-exists": 500,
  "file-changed": 500,
  "chain-broken": 500,
  "clock-doubtful": 500,
  "log-broken": 500,
  "link-invalid": 500,
  "server-unreachable": 500,
  "server-refused": 500,
  usage: 500,
  internal: 500,
};
