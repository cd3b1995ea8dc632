/**
 * The questions to a signer across a process or network border, each as one JSON object. It is the same
 * between two processes of one machine and as the event of a function. Nothing of a request is believed: it
 * must fit its schema exactly, and the strict reader reads the content of targets, whatever parser was
 * before it.
 *
 * Bytes are base64, times milliseconds since 1970, public keys SubjectPublicKeyInfo.
 */
import * as v from "valibot";
import { isRootwardError, isStorageFull, RootwardError } from "../error.ts";
import { isFactoryName, isInstanceId, type FactoryName, type InstanceId } from "../state/names.ts";
import type { KeyWrapper, Report, RootMark, SigningBoundary } from "../service/ports.ts";
import { fromBase64, isSha256, toBase64, type Sha256 } from "../tuf/bytes.ts";
import { ALL_CHANNELS, DIALECTS, ONLINE_ROLES } from "../tuf/dialect.ts";
import { isJsonObject, parseJson, type JsonObject } from "../tuf/json.ts";
import { isKeyId, KEY_TYPES, type KeyId } from "../tuf/keys.ts";
import { MAX_ROLE_BYTES } from "../tuf/role-document.ts";

/** The signing boundary, and the wrapping of server shares under the key that it alone holds. */
export interface Signer {
  /** 128 random bits in hex: which signer a service's data belong to. */
  readonly id: string;
  readonly boundary: SigningBoundary;
  /** For server shares only. */
  readonly wrapper: KeyWrapper;
  /** Writes a record of its own, to see that it can; absent where alarms watch the signer instead. */
  readonly check?: () => Promise<void>;
}

const bytes = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Uint8Array => {
    const decoded = fromBase64(dataset.value);
    if (decoded !== null) return decoded;
    addIssue({ message: "expected base64" });
    return NEVER;
  }),
);
const json = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset, addIssue, NEVER }): JsonObject => {
    const object = strictObject(dataset.value);
    if (object !== null) return object;
    addIssue({ message: "expected a JSON object of plain values" });
    return NEVER;
  }),
);
const sha256 = v.custom<Sha256>((value) => typeof value === "string" && isSha256(value), "SHA-256");
export const keyid = v.custom<KeyId>(
  (value) => typeof value === "string" && isKeyId(value),
  "keyid",
);
const meta = v.strictObject({ version: v.number(), length: v.number(), sha256 });
const factoryRef = {
  factory: v.custom<FactoryName>((value) => typeof value === "string" && isFactoryName(value)),
  instance: v.custom<InstanceId>((value) => typeof value === "string" && isInstanceId(value)),
  dialect: v.picklist(DIALECTS),
};
const channel = v.picklist(ALL_CHANNELS);
const role = v.picklist(ONLINE_ROLES);
/** A server share and nothing else: the keys that sign are wrapped under other contexts. */
const share = v.strictObject({ purpose: v.literal("server share"), delivery: sha256 });

const operation = v.variant("operation", [
  v.strictObject({ operation: v.literal("identify") }),
  v.strictObject({ operation: v.literal("check") }),
  v.strictObject({
    operation: v.literal("make-key"),
    ...factoryRef,
    role,
    keyType: v.picklist(KEY_TYPES),
  }),
  v.strictObject({
    operation: v.literal("trust-first-roots"),
    ...factoryRef,
    roots: v.array(v.strictObject({ channel, bytes })),
  }),
  v.strictObject({ operation: v.literal("trusted-root"), ...factoryRef, channel }),
  v.strictObject({ operation: v.literal("expected-roots"), ...factoryRef, channel }),
  v.strictObject({
    operation: v.literal("kept-root"),
    ...factoryRef,
    channel,
    version: v.number(),
  }),
  v.strictObject({ operation: v.literal("keep-root"), ...factoryRef, channel, root: bytes }),
  v.strictObject({ operation: v.literal("expect"), ...factoryRef, channel, root: bytes }),
  v.strictObject({ operation: v.literal("held-keys"), ...factoryRef }),
  v.strictObject({
    operation: v.literal("follow"),
    ...factoryRef,
    channel,
    roots: v.array(bytes),
  }),
  v.strictObject({
    operation: v.literal("sign"),
    ...factoryRef,
    channel,
    content: v.variant("role", [
      v.strictObject({ role: v.literal("targets"), targets: json }),
      v.strictObject({ role: v.literal("snapshot"), meta }),
      v.strictObject({ role: v.literal("timestamp"), meta }),
    ]),
    version: v.number(),
    expires: v.number(),
    nextRoot: v.exactOptional(bytes),
    spare: v.exactOptional(v.number()),
  }),
  v.strictObject({ operation: v.literal("destroy-key"), ...factoryRef, role, keyid }),
  v.strictObject({ operation: v.literal("sweep-keys"), ...factoryRef, named: v.array(keyid) }),
  v.strictObject({ operation: v.literal("abandon"), ...factoryRef }),
  v.strictObject({ operation: v.literal("wrap"), plain: bytes, context: share }),
  v.strictObject({ operation: v.literal("unwrap"), wrapped: bytes, context: share }),
]);
/** A request as it is sent. */
export type Request = v.InferInput<typeof operation>;
type Operation = v.InferOutput<typeof operation>;

/**
 * Whether a request asks for a key to be made. It may wait long for its turn, within limits of its own
 * (key-lane.ts), so it takes no place among the questions that a channel answers at a time.
 */
export function makesKey(request: unknown): boolean {
  return (
    typeof request === "object" &&
    request !== null &&
    "operation" in request &&
    request.operation === "make-key"
  );
}

/** The side that answers: a signer, or a boundary alone, which wraps no shares. */
type Answering = Pick<Signer, "id" | "boundary"> & Partial<Pick<Signer, "wrapper" | "check">>;

/** Errors that mean the same on both sides. */
const PASSED = [
  "signing-refused",
  "chain-broken",
  "too-many-roots",
  "malformed",
  "too-large",
  "busy",
  "storage-unavailable",
] as const;

export const rootMark = v.strictObject({ version: v.number(), sha256 });
const result = v.union([
  v.string(),
  v.number(),
  v.null(),
  v.array(keyid),
  v.array(rootMark),
  rootMark,
]);
export type Result = v.InferOutput<typeof result> | readonly KeyId[] | readonly RootMark[];

/** The reply: a result of the operation, or why there is none. */
export const reply = v.union([
  v.strictObject({ result }),
  v.strictObject({
    error: v.strictObject({
      code: v.picklist([...PASSED, "internal"]),
      message: v.string(),
      facts: v.optional(v.record(v.string(), v.union([v.string(), v.number()]))),
    }),
  }),
]);
type Failure = Exclude<v.InferOutput<typeof reply>, { result: unknown }>;
export type Reply = { readonly result: Result } | Failure;

/**
 * Answers one request; never throws.
 *
 * @param request parsed JSON, of whatever shape
 * @param report called with an error that says nothing to the caller
 */
export async function answer(signer: Answering, request: unknown, report: Report): Promise<Reply> {
  const parsed = v.safeParse(operation, request, { abortEarly: true });
  if (!parsed.success) {
    const path = parsed.issues[0].path?.map(({ key }) => String(key)).join(".") ?? "operation";
    return { error: { code: "malformed", message: `signing request does not fit at ${path}` } };
  }
  try {
    return { result: await run(signer, parsed.output) };
  } catch (error) {
    const code = isRootwardError(error) ? PASSED.find((one) => one === error.code) : undefined;
    if (isRootwardError(error) && code !== undefined) {
      const { facts } = error.details;
      return { error: { code, message: error.message, ...(facts && { facts }) } };
    }
    const what = `signer: ${parsed.output.operation}`;
    report(what, error, what);
    if (isStorageFull(error)) {
      return {
        error: { code: "storage-unavailable", message: "the signer's disk has no room left" },
      };
    }
    return { error: { code: "internal", message: "internal error of the signer" } };
  }
}

async function run(
  { id, boundary, check, wrapper = NO_WRAPPER }: Answering,
  asked: Operation,
): Promise<Result> {
  switch (asked.operation) {
    case "identify":
      return id;
    case "check":
      await check?.();
      return null;
    case "make-key":
      return toBase64((await boundary.makeKey(asked, asked.role, asked.keyType)).spki);
    case "trust-first-roots":
      return done(boundary.trustFirstRoots(asked, asked.roots));
    case "trusted-root":
      return boundary.trustedRoot(asked);
    case "expected-roots":
      return boundary.expectedRoots(asked);
    case "kept-root": {
      const root = await boundary.keptRoot(asked, asked.version);
      return root === null ? null : toBase64(root);
    }
    case "keep-root":
      return done(boundary.keepRoot(asked, asked.root));
    case "expect":
      return done(boundary.expect(asked, asked.root));
    case "held-keys":
      return boundary.heldKeys(asked);
    case "follow":
      return done(boundary.follow(asked, asked.roots));
    case "sign":
      return toBase64(await boundary.sign(asked));
    case "destroy-key":
      return done(boundary.destroyKey(asked, asked.role, asked.keyid));
    case "sweep-keys":
      return done(boundary.sweepKeys(asked, new Set(asked.named)));
    case "abandon":
      return done(boundary.abandon(asked));
    case "wrap":
      return toBase64(await wrapper.wrap(asked.plain, asked.context));
    case "unwrap":
      return toBase64(await wrapper.unwrap(asked.wrapped, asked.context));
  }
}

/** In the AWS form each side of a share has its own right to the key that wraps it. */
const NO_WRAPPER: KeyWrapper = { wrap: noShares, unwrap: noShares };

async function noShares(): Promise<never> {
  throw new RootwardError("signing-refused", "this signer wraps no shares");
}

async function done(work: Promise<void>): Promise<null> {
  await work;
  return null;
}

/** A value of a parsed message by the strict reader, which takes no number but plain integers. */
function strictObject(value: unknown): JsonObject | null {
  try {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const read = parseJson(bytes, { maxBytes: MAX_ROLE_BYTES });
    return isJsonObject(read) ? read : null;
  } catch (error) {
    if (error instanceof RangeError || isRootwardError(error)) return null;
    throw error;
  }
}
