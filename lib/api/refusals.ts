/** Errors as answers: their shape, and which codes an operation can answer. */
import * as v from "valibot";
import type { ErrorCode } from "../error.ts";
import * as form from "../text/forms.ts";
import type { Operation } from "./operation.ts";
import { finding } from "./shapes.ts";

const rootHash = v.optional(form.sha256Hex);

export const refusal = v.object({
  /** One of `ErrorCode`; a proxy in front may have others. */
  code: v.string(),
  message: form.words,
  /** A line for each finding; fioctl prints them below the message. */
  errors: v.optional(v.array(form.words)),
  /** The findings again, with their codes. */
  issues: v.optional(v.array(finding)),
  /** The id of an internal error: the service's log has it under this id. */
  requestId: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
  /** Seconds; the header Retry-After has them, too. */
  retryAfter: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  /** The version of the current root, where another one was sent. */
  currentVersion: v.optional(form.version),
  /** The version of the root that the signer trusts. */
  trustedVersion: v.optional(form.version),
  trustedSha256: v.optional(form.sha256Hex),
  /** The times of a delivery. */
  factory: v.optional(form.factoryName),
  usedAt: v.optional(form.time),
  expiredAt: v.optional(form.time),
  leaseEndedAt: v.optional(form.time),
  /** SHA-256 of root version 1 of each channel, where another one was to be replaced. */
  main: rootHash,
  ci: rootHash,
  prod: rootHash,
});

/** The errors that every request may meet. */
const EVERYWHERE: readonly ErrorCode[] = [
  "malformed",
  "timeout",
  "uri-too-long",
  "expectation-failed",
  "headers-too-large",
  "unavailable",
  "storage-unavailable",
  "internal",
];

/** All codes that an operation can answer. */
export function refusalsOf(operation: Operation): readonly ErrorCode[] {
  const { access, body, path, refusals } = operation;
  return [
    ...new Set<ErrorCode>([
      ...EVERYWHERE,
      ...(access === "public" ? [] : (["unauthenticated", "forbidden"] as const)),
      // A name in the path that nothing can have, or nothing has.
      ...(path.includes("{") ? (["not-found"] as const) : []),
      ...(body === undefined ? [] : (["too-large", "unsupported-media-type"] as const)),
      ...refusals,
    ]),
  ];
}
