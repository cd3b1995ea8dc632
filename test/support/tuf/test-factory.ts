/**
 * A Factory for tests of lib/tuf: keys, a current root with three root keys and threshold 2, and
 * the good root that follows it. Everything is signed properly, so that a test breaks one thing
 * and sees what that alone does.
 *
 * `a` is RSA: without a PEM key in a root, the two canonical forms would be the same.
 */
import { generateKeyPairSync } from "node:crypto";
import { SigningKey } from "../../../lib/crypto/signing-key.ts";
import { verifySignature } from "../../../lib/crypto/verify.ts";
import { canonicalize } from "../../../lib/tuf/canonical.ts";
import { rootLimits, type Channel, type Dialect } from "../../../lib/tuf/dialect.ts";
import type { OnlineRole } from "../../../lib/tuf/dialect.ts";
import {
  isJsonObject,
  jsonObject,
  parseJson,
  type JsonObject,
  type JsonValue,
} from "../../../lib/tuf/json.ts";
import { rootKey, type RootKey } from "../../../lib/tuf/keys.ts";
import type { RootUpdate } from "../../../lib/tuf/policy.ts";
import { firstRoot, rotatedRoot, withTargetsThreshold } from "../../../lib/tuf/roles.ts";
import { verifySubmittedRoot, type RootVerdict } from "../../../lib/tuf/submitted-root.ts";
import type { Root } from "../../../lib/tuf/root.ts";
import { readSignedRoot, wholeSignedRoot } from "../../../lib/tuf/signed-root.ts";
import { signatureObject } from "../../../lib/tuf/signatures.ts";

export const DAY = 86_400_000;
export const NOW = Date.UTC(2026, 0, 15, 12);
export const OWNER = "0123456789abcdef01234567";

/** Somebody with a private key, as a root of one dialect lists them. */
export interface Party {
  readonly signer: SigningKey;
  readonly key: RootKey;
}

export function ed25519Key(): SigningKey {
  return new SigningKey(generateKeyPairSync("ed25519").privateKey);
}

/** 2048 bits: as good for a test as 4096, and quick to make. */
export function rsaKey(): SigningKey {
  return new SigningKey(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
}

const SIGNERS = {
  a: rsaKey(),
  b: ed25519Key(),
  c: ed25519Key(),
  d: ed25519Key(),
  spare: ed25519Key(),
  targets: ed25519Key(),
  snapshot: ed25519Key(),
  timestamp: ed25519Key(),
};

export function party(signer: SigningKey, dialect: Dialect): Party {
  return { signer, key: rootKey(signer.publicKey, dialect) };
}

/** `a`, `b`, `c` are the root keys of the current root, `d` takes the place of `c`. */
export type Parties = Readonly<Record<keyof typeof SIGNERS, Party>>;

export interface TestFactory {
  readonly dialect: Dialect;
  readonly channel: Channel;
  readonly parties: Parties;
  readonly current: Root;
  /** The envelope of `current`. */
  readonly currentBody: JsonObject;
  /** The `signed` of a good root after `current`. */
  readonly next: JsonObject;
}

/** A Factory whose current root has `version`; prod has the targets threshold 2. */
export function testFactory(dialect: Dialect, channel: Channel, version = 4): TestFactory {
  const parties = partiesOf(dialect);
  const first = firstRoot({
    dialect,
    expires: NOW + 100 * DAY,
    rootKey: parties.a.key,
    onlineKeys: onlineRecord((role) => parties[role].key),
    targetsThreshold: channel === "prod" ? 2 : 1,
  });
  const keyids = [parties.a.key.keyid, parties.b.key.keyid, parties.c.key.keyid];
  const signed = edits(
    first,
    [["version"], version],
    [["roles", "root"], jsonObject({ keyids, threshold: 2 })],
    [["keys", parties.b.key.keyid], parties.b.key.object],
    [["keys", parties.c.key.keyid], parties.c.key.object],
  );
  const currentBody = signRoot(signed, dialect, [parties.a, parties.b, parties.c]);
  const current = readCurrent(currentBody, dialect, channel);
  return { dialect, channel, parties, current, currentBody, next: rotated(current, parties) };
}

function partiesOf(dialect: Dialect): Parties {
  const { a, b, c, d, spare, targets, snapshot, timestamp } = SIGNERS;
  return {
    a: party(a, dialect),
    b: party(b, dialect),
    c: party(c, dialect),
    d: party(d, dialect),
    spare: party(spare, dialect),
    targets: party(targets, dialect),
    snapshot: party(snapshot, dialect),
    timestamp: party(timestamp, dialect),
  };
}

/** `c` leaves, `d` comes, everything else stays. */
function rotated(current: Root, { c, d }: Parties): JsonObject {
  return rotatedRoot(current, {
    remove: [c.key.keyid],
    add: d.key,
    expires: NOW + 365 * DAY,
    changelog: { user: OWNER, message: "d takes the place of c", time: NOW },
  });
}

/** The root of an envelope, read leniently and without looking at signatures. */
export function readCurrent(body: JsonValue, dialect: Dialect, channel: Channel): Root {
  const { draft, errors } = readSignedRoot(received(body), {
    dialect,
    channel,
    reading: "lenient",
  });
  const signed = wholeSignedRoot(draft);
  if (signed === null) throw new Error(errors.map(({ message }) => message).join("; "));
  return signed.root;
}

/** The envelope of `signed` with signatures by `by`, over the canonical form of `covered`. */
export function signRoot(
  signed: JsonObject,
  dialect: Dialect,
  by: readonly Party[],
  covered: Dialect = dialect,
): JsonObject {
  const message = canonicalize(signed, covered);
  const signatures = by.map(({ signer, key }) =>
    signatureObject(key.keyid, signer.publicKey, signer.sign(message), dialect),
  );
  return jsonObject({ signatures, signed });
}

/** `body` as a request brings it: written as JSON and strictly parsed. */
function received(body: JsonValue): JsonValue {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return parseJson(bytes, rootLimits("tuf"));
}

/** What a service asks about `submitted`, unless `changes` says otherwise. */
export function rootUpdate(
  factory: TestFactory,
  submitted: JsonValue,
  changes: Partial<RootUpdate> = {},
): RootUpdate {
  const { dialect, channel, parties, current, next } = factory;
  const ciNext = (): Root =>
    readCurrent(signRoot(withTargetsThreshold(next, 1), dialect, []), dialect, "ci");
  return {
    channel,
    current,
    submitted: received(submitted),
    now: NOW,
    onlineKeys: onlineRecord((role) => parties[role].key.keyid),
    retiringKeys: new Set(),
    initialKey: null,
    ciRoot: channel === "prod" ? ciNext() : null,
    user: OWNER,
    ...changes,
  };
}

export function judge(
  factory: TestFactory,
  submitted: JsonValue,
  changes: Partial<RootUpdate> = {},
): RootVerdict {
  return verifySubmittedRoot(rootUpdate(factory, submitted, changes), verifySignature);
}

/** `value` with what is at `path` replaced, or taken out where `member` is undefined. */
function edit(
  value: JsonObject,
  [name = "", ...rest]: readonly string[],
  member: JsonValue | undefined,
): JsonObject {
  const inner = value[name];
  const next = rest.length === 0 ? member : edit(isJsonObject(inner) ? inner : {}, rest, member);
  return jsonObject({ ...value, [name]: next });
}

export type Edit = readonly [path: readonly string[], member: JsonValue | undefined];

export function edits(value: JsonObject, ...changes: readonly Edit[]): JsonObject {
  return changes.reduce((done, [path, member]) => edit(done, path, member), value);
}

function onlineRecord<T>(of: (role: OnlineRole) => T): Readonly<Record<OnlineRole, T>> {
  return { targets: of("targets"), snapshot: of("snapshot"), timestamp: of("timestamp") };
}
