/**
 * How much a root update costs beyond what it cannot do without: the key imports and the calls of
 * crypto.verify for its signatures. And how tuf-js, the standard client in this language, does with
 * the same two roots. Ours starts from the bytes of the submission, and judges by every rule.
 *
 *   npm run bench [-- TURNS]
 */
import { TrustedMetadataStore } from "tuf-js/dist/store.js";
import { makeSigningKey, type SigningKey } from "../lib/crypto/signing-key.ts";
import { verifySignature } from "../lib/crypto/verify.ts";
import { canonicalize } from "../lib/tuf/canonical.ts";
import { readTrustedRoot, strictPolicy } from "../lib/tuf/chain.ts";
import { rootLimits } from "../lib/tuf/dialect.ts";
import { jsonObject, parseJson, type JsonObject } from "../lib/tuf/json.ts";
import { rootKey, type KeyType, type RootKey } from "../lib/tuf/keys.ts";
import { envelope, firstRoot, rotatedRoot } from "../lib/tuf/roles.ts";
import { verifySubmittedRoot } from "../lib/tuf/submitted-root.ts";
import { signatureObject } from "../lib/tuf/signatures.ts";
import { compare, contender, show, type Contender } from "./measure.ts";

const NOW = Date.now();
const YEAR = 365 * 86_400_000;

interface Case {
  readonly name: string;
  /** How many times the floor it may take. */
  readonly aim: number;
  readonly rootKeys: readonly KeyType[];
  readonly threshold: number;
  /** Which root keys sign besides the new one; the first is the one that leaves. */
  readonly signers: readonly number[];
  readonly newKeySigns: boolean;
  readonly keyType: KeyType;
}

const CASES: readonly Case[] = [
  {
    name: "two RSA-4096 signatures",
    aim: 1.25,
    rootKeys: ["rsa"],
    threshold: 1,
    signers: [0],
    newKeySigns: true,
    keyType: "rsa",
  },
  {
    name: "two Ed25519 signatures",
    aim: 1.5,
    rootKeys: ["ed25519"],
    threshold: 1,
    signers: [0],
    newKeySigns: true,
    keyType: "ed25519",
  },
  {
    name: "5 of 9, RSA-4096 and Ed25519",
    aim: 1.5,
    rootKeys: ["rsa", "rsa", "ed25519", "rsa", "ed25519", "ed25519", "rsa", "ed25519", "ed25519"],
    threshold: 5,
    signers: [1, 2, 3, 4, 5],
    newKeySigns: false,
    keyType: "ed25519",
  },
];

interface Party {
  readonly signer: SigningKey;
  readonly key: RootKey;
}

async function party(type: KeyType): Promise<Party> {
  const signer = await makeSigningKey(type);
  return { signer, key: rootKey(signer.publicKey, "tuf") };
}

function signed(root: JsonObject, by: readonly Party[]): Uint8Array {
  const message = canonicalize(root, "tuf");
  return envelope(
    root,
    by.map(({ signer, key }) =>
      signatureObject(key.keyid, signer.publicKey, signer.sign(message), "tuf"),
    ),
  );
}

/** The input of all three: the current root and the next, as they travel. */
async function contenders(one: Case): Promise<readonly Contender[]> {
  const owners = await Promise.all(one.rootKeys.map(party));
  const [fresh, targets, snapshot, timestamp] = await Promise.all([
    party(one.keyType),
    party(one.keyType),
    party(one.keyType),
    party(one.keyType),
  ]);
  const [leaving] = owners;
  if (leaving === undefined) throw new Error("a case without root keys");
  const onlineKeys = { targets: targets.key, snapshot: snapshot.key, timestamp: timestamp.key };
  const first = firstRoot({
    dialect: "tuf",
    expires: NOW + YEAR,
    rootKey: leaving.key,
    onlineKeys,
    targetsThreshold: 1,
  });
  const keyids = owners.map(({ key }) => key.keyid);
  const rootRole = jsonObject({ keyids, threshold: one.threshold });
  const current = jsonObject({
    ...first,
    keys: jsonObject({
      ...(first["keys"] as JsonObject),
      ...Object.fromEntries(owners.map(({ key }) => [key.keyid, key.object])),
    }),
    roles: jsonObject({ ...(first["roles"] as JsonObject), root: rootRole }),
  });
  const currentBytes = signed(current, owners);
  const trusted = readTrustedRoot(currentBytes, strictPolicy("tuf", "main"), verifySignature);
  const next = rotatedRoot(trusted, {
    remove: [leaving.key.keyid],
    add: fresh.key,
    expires: NOW + YEAR,
    changelog: { user: "bench", message: "next", time: NOW },
  });
  const by = owners.filter((_unused, i) => one.signers.includes(i));
  const signers = one.newKeySigns ? [...by, fresh] : by;
  const nextBytes = signed(next, signers);

  const message = canonicalize(next, "tuf");
  const pairs = signers.map(({ signer }) => ({
    key: signer.publicKey,
    signature: signer.sign(message),
  }));
  const floor = contender("imports and crypto.verify alone", () => {
    for (const { key, signature } of pairs) {
      // As verify.ts has it, which is the fastest way that was found.
      if (!verifySignature(key, message, signature)) throw new Error("not signed");
    }
  });
  const ours = contender("rootward", () => {
    const submitted = parseJson(nextBytes, rootLimits("tuf"));
    const verdict = verifySubmittedRoot(
      {
        channel: "main",
        current: trusted,
        submitted,
        now: NOW,
        onlineKeys: {
          targets: targets.key.keyid,
          snapshot: snapshot.key.keyid,
          timestamp: timestamp.key.keyid,
        },
        retiringKeys: new Set(),
        initialKey: null,
        ciRoot: null,
        user: "bench",
      },
      verifySignature,
    );
    if (verdict.kind !== "accepted") throw new Error(`ours: ${verdict.kind}`);
  });
  const theirs: Contender = {
    name: "tuf-js",
    prepare: (count) =>
      Array.from({ length: count }, () => {
        const store = new TrustedMetadataStore(Buffer.from(currentBytes));
        return () => void store.updateRoot(Buffer.from(nextBytes));
      }),
  };
  return [floor, ours, theirs];
}

const turns = Number(process.argv[2] ?? 60);
console.log(
  "each figure: times as long as the imports and crypto.verify calls of the same update,",
);
console.log(`median of ${turns} turns, with the quarter of turns below and above it\n`);
for (const one of CASES) {
  const [ours, theirs] = compare(await contenders(one), { turns, runs: 50 });
  if (ours === undefined || theirs === undefined) throw new Error("nothing measured");
  console.log(one.name);
  console.log(`  rootward ${show(ours)}, aim at most ${one.aim}`);
  console.log(`  tuf-js   ${show(theirs)}, aim more than rootward\n`);
}
