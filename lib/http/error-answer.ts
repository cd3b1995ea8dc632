/**
 * An error as an answer, wherever it happens: JSON with `code` and `message`, both text, and `errors`, a
 * list of text, where there are findings. fioctl prints message and errors, and nothing of an answer that
 * is not JSON or has objects in `errors`; findings with their codes are in `issues`. An internal error is
 * logged once under a request id, and its answer only says to try again.
 */
import { isRootwardError, isStorageFull, type ErrorCode } from "../error.ts";
import { STATUS } from "../api/status.ts";

/** The parts that an error report needs. */
export interface ErrorLog {
  readonly report: (what: string, error: unknown) => void;
  /** Random. */
  readonly requestId: () => string;
}

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON-ready. */
  readonly body: Readonly<Record<string, unknown>> & {
    readonly code: string;
    readonly message: string;
  };
}

/** Headers of every error. */
const HEADERS = {
  "Content-Type": "application/json",
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
};

/** The words that a client gets for an internal error. */
const OURS = {
  internal: "internal error",
  unavailable: "the service's signer is away for the moment: try again",
  "storage-unavailable":
    "the service has no room left on its disk: try again once its operator has made some",
} as const;

export function errorAnswer(error: unknown, log: ErrorLog): ErrorAnswer {
  const known = isRootwardError(error) ? error : null;
  const code = isStorageFull(error) ? "storage-unavailable" : (known?.code ?? "internal");
  if (known === null || STATUS[code] >= 500) {
    const requestId = log.requestId();
    log.report(`request ${requestId}`, error);
    const shown = code in OURS ? (code as keyof typeof OURS) : "internal";
    const message = known?.code === "storage-unavailable" ? known.message : OURS[shown];
    return plainError(shown, message, { requestId });
  }
  const { facts, ...findings } = known.details;
  return plainError(code, known.message, { ...findings, ...facts });
}

/** @param more members beside code and message */
export function plainError(
  code: ErrorCode,
  message: string,
  more: Readonly<Record<string, unknown>> = {},
): ErrorAnswer {
  const status = STATUS[code];
  const wait = retryAfter(status, more);
  const headers = wait === null ? HEADERS : { ...HEADERS, "Retry-After": `${wait}` };
  // A fact never takes the place of either: fioctl prints the message.
  const body = Object.assign({ code, message }, more, { code, message });
  return { status, headers, body };
}

/** In how many seconds a request may be sent again; null where repeating it is of no use. */
function retryAfter(status: number, facts: Readonly<Record<string, unknown>>): number | null {
  if (status !== STATUS.unavailable && status !== STATUS.busy) return null;
  const seconds = facts["retryAfter"];
  return typeof seconds === "number" ? seconds : 5;
}

export function errorResponse({ status, headers, body }: ErrorAnswer): Response {
  return new Response(JSON.stringify(body), { status, headers });
}
