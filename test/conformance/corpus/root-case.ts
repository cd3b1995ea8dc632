/**
 * One root update as clients see it: the bytes that are trusted and the bytes that are to follow.
 * Our verification, tuf-js and python-tuf judge the same bytes, so a case holds nothing else but
 * what the service knows beside them. Only the `tuf` dialect: those clients read no other.
 */
import { createHash } from "node:crypto";
import { canonicalize } from "../../../lib/tuf/canonical.ts";
import { jsonObject, type JsonObject, type JsonValue } from "../../../lib/tuf/json.ts";
import type { RootUpdate } from "../../../lib/tuf/policy.ts";
import { edits, testFactory, type Edit, type Party } from "../../support/tuf/test-factory.ts";

export interface RootCase {
  readonly name: string;
  /** The root that a device has. */
  readonly trusted: Uint8Array;
  /** The root that is submitted, and offered to the device, after it. */
  readonly candidate: Uint8Array;
  /** What the service knows beside that, where it is not what the test Factory knows. */
  readonly update?: Partial<RootUpdate>;
}

/** The Factory of every case: its online keys are those of the service. */
export const FACTORY = testFactory("tuf", "main");
const { a, b, c, d } = FACTORY.parties;

/** Whoever signs: with any key, under any id, in any way. */
export interface Signer {
  readonly keyid: string;
  /** The key object as a root lists it. */
  readonly object: JsonObject;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

function signerOf({ signer, key }: Party): Signer {
  return { keyid: key.keyid, object: key.object, sign: (message) => signer.sign(message) };
}

/** The root keys of the trusted root, and `d`, which takes the place of `c` in a good update. */
export const [A, B, C, D] = [signerOf(a), signerOf(b), signerOf(c), signerOf(d)];
export const SPARE = signerOf(FACTORY.parties.spare);

/** The id that follows from a key object. */
export function keyidOf(object: JsonObject): string {
  return createHash("sha256").update(canonicalize(object, "tuf")).digest("hex");
}

/** The same key under another object, and the id that follows from that unless one is given. */
export function under(
  signer: Signer,
  members: Readonly<Record<string, JsonValue>>,
  keyid?: string,
): Signer {
  const object = jsonObject({ ...signer.object, ...members });
  return { ...signer, object, keyid: keyid ?? keyidOf(object) };
}

/** The `signed` of a root with these root keys; the online roles are those of the Factory. */
export function rootOf(
  version: number,
  signers: readonly Signer[],
  threshold: number,
  ...changes: readonly Edit[]
): JsonObject {
  const { targets, snapshot, timestamp } = FACTORY.parties;
  const online = [targets, snapshot, timestamp].map((party) => signerOf(party));
  const all = [...online, ...signers].map(({ keyid, object }) => [keyid, object] as const);
  const keyids = signers.map(({ keyid }) => keyid);
  return edits(
    FACTORY.current.signed,
    [["version"], version],
    [["keys"], jsonObject(Object.fromEntries(all))],
    [["roles", "root"], { keyids, threshold }],
    ...changes,
  );
}

/** The envelope of `signed` with signatures over `message`. */
export function envelopeOf(
  signed: JsonObject,
  signers: readonly Signer[],
  message: Uint8Array = canonicalize(signed, "tuf"),
): JsonObject {
  const signatures = signers.map(({ keyid, sign }) => ({
    keyid,
    sig: Buffer.from(sign(message)).toString("hex"),
  }));
  return jsonObject({ signatures, signed });
}

export function bytesOf(body: JsonValue): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body));
}

/** The trusted root of most cases: `a` (RSA), `b` and `c`, of which two must sign. */
export const TRUSTED = bytesOf(FACTORY.currentBody);
export const NEXT_VERSION = FACTORY.current.version + 1;

/** A case after {@link TRUSTED}: signed by everybody who has a say, unless `by` is given. */
export function after(
  name: string,
  signed: JsonObject,
  by: readonly Signer[] = [A, B, C, D],
  render: (body: JsonObject) => Uint8Array = bytesOf,
): RootCase {
  return { name, trusted: TRUSTED, candidate: render(envelopeOf(signed, by)) };
}
