/** A delivered archive is the announced one, with the announced root and the root's private keys. */
import { beforeAll, expect, test } from "vitest";
import { writeArchive, type ArchiveEntries } from "../../lib/archive/archive.ts";
import { readDelivered, type Announced } from "../../lib/archive/delivered.ts";
import { keyEntries } from "../../lib/archive/keys.ts";
import { factoryEntry, trustedRootEntry } from "../../lib/archive/trust.ts";
import { makeSigningKey, type SigningKey } from "../../lib/crypto/signing-key.ts";
import { isFactoryName } from "../../lib/state/names.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import { firstRoot } from "../../lib/tuf/roles.ts";
import { signRoot } from "../support/owner.ts";

const factory: string = "acme";
if (!isFactoryName(factory)) throw new Error("test data");

interface Sample {
  readonly key: SigningKey;
  readonly root: Uint8Array;
  readonly entries: ArchiveEntries;
}

async function makeSample(): Promise<Sample> {
  const key = await makeSigningKey("ed25519");
  const online = rootKey((await makeSigningKey("ed25519")).publicKey, "tuf");
  const signed = firstRoot({
    dialect: "tuf",
    expires: Date.UTC(2030, 0, 1),
    rootKey: rootKey(key.publicKey, "tuf"),
    onlineKeys: { targets: online, snapshot: online, timestamp: online },
    targetsThreshold: 1,
  });
  const root = signRoot(signed, [key], "tuf");
  const entries = new Map([
    ...keyEntries("tufrepo/keys/first-root", key.publicKey, key.toArchiveText()),
    factoryEntry({ factory: factory as never, dialect: "tuf" }),
    [trustedRootEntry("main"), root] as const,
  ]);
  return { key, root, entries };
}

let [sample, other]: readonly Sample[] = [];
beforeAll(async () => {
  [sample, other] = [await makeSample(), await makeSample()];
});

/** Reads an archive of the sample's entries, changed, that is announced with its own hash. */
async function read(
  change: (entries: Map<string, Uint8Array>) => unknown,
  announce: (announced: Announced) => Announced | null,
) {
  const entries = new Map(sample?.entries);
  change(entries);
  const bytes = await writeArchive(entries);
  const roots = { main: sha256(sample?.root ?? new Uint8Array()) };
  return readDelivered(bytes, announce({ factory, sha256: sha256(bytes), roots }));
}

test("names the root keys that it holds, with and without a claim", async () => {
  const keyids = [sample && rootKey(sample.key.publicKey, "tuf").keyid];
  expect(await read(unchanged, same)).toMatchObject({ factory, dialect: "tuf", keyids });
  expect(
    await read(
      () => undefined,
      () => null,
    ),
  ).toMatchObject({ keyids });
});

const SECRET = "tufrepo/keys/first-root.sec";
const zero = "0".repeat(64);
const same = (announced: Announced): Announced => announced;
const unchanged = (): void => undefined;
type Row = readonly [string, string, Parameters<typeof read>[0], (a: Announced) => Announced];
const REFUSED: readonly Row[] = [
  ["another hash", "not the one that was announced", unchanged, (a) => ({ ...a, sha256: zero })],
  ["another Factory", "of another Factory", unchanged, (a) => ({ ...a, factory: "other" })],
  ["no Factory", "of another Factory", (e) => e.delete("tufrepo/rootward/factory.json"), same],
  ["no root", "lacks its root of main", (e) => e.delete(trustedRootEntry("main")), same],
  ["a root not announced", "not root version 1", unchanged, (a) => ({ ...a, roots: {} })],
  [
    "a channel that it lacks",
    "root of prod is not root version 1",
    unchanged,
    (a) => ({ ...a, roots: { ...a.roots, prod: zero } }),
  ],
  [
    "another root, well signed",
    "not root version 1",
    (e) => other?.entries.forEach((body, name) => e.set(name, body)),
    same,
  ],
  ["no private half", "lacks the private key", (e) => e.delete(SECRET), same],
  [
    "a private half of another key",
    "lacks the private key",
    (e) => e.set(SECRET, other?.entries.get(SECRET) ?? new Uint8Array()),
    same,
  ],
  [
    "the key of another root",
    "lacks the private key",
    (e) =>
      other?.entries.forEach((body, name) => {
        if (name.startsWith("tufrepo/keys/")) e.set(name, body);
      }),
    same,
  ],
];

test.each(REFUSED)("refuses %s", async (_, message, change, announce) => {
  await expect(read(change, announce)).rejects.toThrow(message);
});
