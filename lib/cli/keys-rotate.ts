/**
 * `rootward keys rotate`: makes a root key on this machine, signs the next root with the old and the
 * new key, and submits it. It signs nothing that a server hands it: the next root is built here from
 * the current one, which must follow from the root that the archive trusts, and the audit log must
 * still hold the event that was last seen.
 *
 * Order, and why a crash at any moment loses nothing:
 *   1. the new key and a mark go into the archive     no root lists the key yet
 *   2. the signed root is sent                        the archive holds old and new key
 *   3. the archive notes the new root and drops the mark
 * A run that finds the mark asks the service what is true: either the root with that key was
 * accepted, and step 3 follows, or the same key is used again from step 2 on.
 */
import * as v from "valibot";
import { archivedKeys, keyEntries, rotatedKeyName } from "../archive/keys.ts";
import {
  archivedFactory,
  archivedLogMark,
  factoryEntry,
  logEntry,
  pendingEntry,
  pendingKeyid,
  trustedRootEntry,
  withoutPending,
} from "../archive/trust.ts";
import { makeSigningKey, signingKeyFromArchive, type SigningKey } from "../crypto/signing-key.ts";
import { verifySignature } from "../crypto/verify.ts";
import { isRootwardError, RootwardError } from "../error.ts";
import { isFactoryName, type FactoryName } from "../factory/names.ts";
import { canonicalize } from "../tuf/canonical.ts";
import { nextInChain, readTrustedRoot } from "../tuf/chain.ts";
import { channelsOf, firstChannel, type Channel, type Dialect } from "../tuf/dialect.ts";
import type { JsonObject } from "../tuf/json.ts";
import { rootKey, type KeyId, type KeyType } from "../tuf/keys.ts";
import { envelope, rotatedRoot, withTargetsThreshold } from "../tuf/roles.ts";
import type { Root } from "../tuf/root.ts";
import { signatureObject } from "../tuf/signatures.ts";
import type { ArchiveFile } from "./archive-file.ts";
import { submitPath, type Client } from "./client.ts";
import { followRemote, readRemoteLog, strictPolicy, type VerifiedRoot } from "./remote-chain.ts";
import type { Terminal } from "./terminal.ts";

export interface RotateOptions {
  readonly factory: string | undefined;
  readonly keyType: KeyType;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How long a rotated root is valid: a year, as with fioctl. */
const ROOT_LIFETIME = 365 * 86_400_000;

type Roots = ReadonlyMap<Channel, VerifiedRoot>;

export async function keysRotate(
  client: Client,
  terminal: Terminal,
  file: ArchiveFile,
  options: RotateOptions,
): Promise<void> {
  const { factory, dialect } = aboutFactory(file, options.factory);
  const channels = channelsOf(dialect);
  const { roots, log } = await terminal.step(
    `verifying the chain of ${factory} from the root in the archive`,
    async () => ({
      log: await readRemoteLog(client, factory, archivedLogMark(file.entries)),
      roots: await followAll(client, file, factory, dialect),
    }),
  );
  const user = (await client.getJson(`/ota/factories/${factory}/users/self/`, userAnswer))[
    "polis-id"
  ];
  const job: Job = { client, terminal, file, factory, dialect, options, user };
  const first = firstChannel(dialect);
  let current = await followProd(job, roots);
  const pending = pendingKeyid(file.entries);
  const accepted =
    pending !== null && currentRoot(current, first).roles.root.keyids.includes(pending);
  if (accepted) {
    terminal.note(
      `the last run was cut off after the service had accepted its root: root version ` +
        `${currentRoot(current, first).version} with key ${pending} is in force`,
    );
  } else {
    current = await rotateFirst(job, current, pending);
    current = await followProd(job, current);
  }
  const end = await readRemoteLog(client, factory, log.end);
  await terminal.step("noting the new root in the archive", () =>
    file.replace(
      new Map([
        ...withoutPending(file.entries),
        factoryEntry({ factory, dialect }),
        ...channels.map(
          (channel) => [trustedRootEntry(channel), verified(current, channel).bytes] as const,
        ),
        logEntry(end.end),
      ]),
    ),
  );
  report(job, current, accepted);
}

interface Job {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly file: ArchiveFile;
  readonly factory: FactoryName;
  readonly dialect: Dialect;
  readonly options: RotateOptions;
  readonly user: string;
}

const userAnswer = v.object({ "polis-id": v.string() });

function aboutFactory(file: ArchiveFile, named: string | undefined) {
  const about = archivedFactory(file.entries);
  if (about === null) {
    throw new RootwardError(
      "archive-invalid",
      "this archive carries no root that its owner trusts; archives from Rootward do",
    );
  }
  if (named !== undefined && (!isFactoryName(named) || named !== about.factory)) {
    throw new RootwardError("usage", `this archive is of Factory ${about.factory}`);
  }
  return about;
}

async function followAll(
  client: Client,
  file: ArchiveFile,
  factory: FactoryName,
  dialect: Dialect,
): Promise<Roots> {
  const roots = new Map<Channel, VerifiedRoot>();
  for (const channel of channelsOf(dialect)) {
    const bytes = file.entries.get(trustedRootEntry(channel));
    if (bytes === undefined) {
      throw new RootwardError("archive-invalid", `the archive carries no trusted ${channel} root`);
    }
    const policy = strictPolicy(dialect, channel);
    const trusted = { root: readTrustedRoot(bytes, policy, verifySignature), bytes };
    const chain = await followRemote(client, factory, policy, trusted);
    roots.set(channel, chain.at(-1) ?? trusted);
  }
  return roots;
}

/** Rotates the first channel's root: makes the key unless `pending` names one, archives, sends. */
async function rotateFirst(job: Job, roots: Roots, pending: KeyId | null): Promise<Roots> {
  const { terminal, file, dialect, options } = job;
  const channel = firstChannel(dialect);
  const current = currentRoot(roots, channel);
  const old = ownKey(file, current);
  const key = pending === null ? await newKey(job) : keyById(job, pending);
  const added = rootKey(key.publicKey, dialect);
  const now = options.now();
  const signed = rotatedRoot(current, {
    remove: [old.keyid],
    add: added,
    expires: now + ROOT_LIFETIME,
    changelog: { user: job.user, message: options.reason, time: now },
  });
  if (pending === null) {
    await terminal.step(`archiving the new key (the old archive stays as ${file.path}.bak)`, () =>
      file.replace(
        new Map([
          ...file.entries,
          ...keyEntries(rotatedKeyName(added.keyid), key.publicKey, key.toArchiveText()),
          pendingEntry(added.keyid),
        ]),
      ),
    );
  } else {
    terminal.note(
      `the last run was cut off before its root was accepted: going on with its key ${pending}`,
    );
  }
  const bytes = sign(dialect, signed, [old.key, key]);
  return submit(job, roots, channel, bytes);
}

/** In ats: where prod is one root behind ci, signs the same root for prod and sends it. */
async function followProd(job: Job, roots: Roots): Promise<Roots> {
  const { dialect, file } = job;
  if (dialect !== "ats") return roots;
  const [ci, prod] = [currentRoot(roots, "ci"), currentRoot(roots, "prod")];
  if (ci.version === prod.version) return roots;
  if (ci.version !== prod.version + 1) {
    throw new RootwardError(
      "chain-broken",
      `ci is at root version ${ci.version} and prod at ${prod.version}: they may differ by one`,
    );
  }
  const signed = withTargetsThreshold(ci.signed, prod.roles.targets.threshold);
  const keyids = new Set([...prod.roles.root.keyids, ...ci.roles.root.keyids]);
  const keys = heldKeys(file).filter(({ publicKey }) =>
    keyids.has(rootKey(publicKey, dialect).keyid),
  );
  return submit(job, roots, "prod", sign(dialect, signed, keys));
}

/** Sends a signed root; where no answer comes, asks the service what is true. */
async function submit(job: Job, roots: Roots, channel: Channel, bytes: Uint8Array): Promise<Roots> {
  const { client, terminal, factory, dialect } = job;
  const before = verified(roots, channel);
  const policy = strictPolicy(dialect, channel);
  // Our own work by the rules that devices use, before anybody sees it.
  const root = nextInChain(before.root, bytes, policy, verifySignature);
  await terminal.step(`sending root version ${root.version} (${channel})`, async () => {
    try {
      const answer = await client.postJson(submitPath(factory, channel), bytes, submitAnswer);
      // Prod gets the same advice as ci: once is enough.
      if (channel === firstChannel(dialect)) {
        for (const { message } of answer.warnings) terminal.warn(message);
      }
    } catch (error) {
      if (!isRootwardError(error) || error.code !== "server-unreachable") throw error;
    }
    const chain = await followRemote(client, factory, policy, before);
    if (chain[1]?.root.signedHash !== root.signedHash) {
      throw new RootwardError(
        "server-unreachable",
        `root version ${root.version} was sent but is not in force; the archive is safe and ` +
          `holds the new key: run the command again`,
      );
    }
  });
  return new Map([...roots, [channel, { root, bytes }]]);
}

const submitAnswer = v.object({
  version: v.number(),
  warnings: v.array(v.object({ code: v.string(), message: v.string() })),
});

function sign(dialect: Dialect, signed: JsonObject, keys: readonly SigningKey[]): Uint8Array {
  const message = canonicalize(signed, dialect);
  return envelope(
    signed,
    keys.map((key) => {
      const { keyid } = rootKey(key.publicKey, dialect);
      return signatureObject(keyid, key.publicKey, key.sign(message), dialect);
    }),
  );
}

async function newKey({ terminal, options }: Job): Promise<SigningKey> {
  const kind = options.keyType === "rsa" ? "RSA-4096" : "Ed25519";
  return terminal.step(`making a new ${kind} root key on this machine`, () =>
    makeSigningKey(options.keyType),
  );
}

function heldKeys(file: ArchiveFile): readonly SigningKey[] {
  return archivedKeys(file.entries).map(({ privateText }) => signingKeyFromArchive(privateText));
}

/** The one key in the archive that the current root lists as a root key. */
function ownKey(file: ArchiveFile, current: Root): { keyid: KeyId; key: SigningKey } {
  const { keyids, threshold } = current.roles.root;
  const held = heldKeys(file);
  const own = keyids.flatMap((keyid) => {
    const fingerprint = current.keys.get(keyid)?.key.fingerprint;
    const key = held.find(({ publicKey }) => publicKey.fingerprint === fingerprint);
    return key === undefined ? [] : [{ keyid, key }];
  });
  const [mine] = own;
  if (mine === undefined) {
    throw new RootwardError(
      "archive-invalid",
      `the archive holds no key of root version ${current.version} (${keyids.join(", ")})`,
    );
  }
  if (own.length > 1) {
    throw new RootwardError(
      "archive-invalid",
      "the archive holds more than one current root key: keep each in an archive of its own",
    );
  }
  if (threshold > 1) {
    throw new RootwardError(
      "usage",
      `root version ${current.version} needs ${threshold} signatures, and this archive can give one`,
    );
  }
  return mine;
}

function keyById({ file, dialect }: Job, keyid: KeyId): SigningKey {
  const key = heldKeys(file).find(({ publicKey }) => rootKey(publicKey, dialect).keyid === keyid);
  if (key === undefined) {
    throw new RootwardError("archive-invalid", `the archive lacks the key ${keyid} it announces`);
  }
  return key;
}

function verified(roots: Roots, channel: Channel): VerifiedRoot {
  const root = roots.get(channel);
  if (root === undefined) throw new RootwardError("internal", `no ${channel} root`);
  return root;
}

function currentRoot(roots: Roots, channel: Channel): Root {
  return verified(roots, channel).root;
}

function report({ terminal, file, factory, dialect }: Job, roots: Roots, resumed: boolean): void {
  const channels = channelsOf(dialect);
  const { version, roles, signed } = currentRoot(roots, firstChannel(dialect));
  const expires = typeof signed["expires"] === "string" ? signed["expires"] : "";
  const result = {
    factory,
    channels,
    version,
    keyids: roles.root.keyids,
    expires,
    archive: file.path,
    resumed,
  };
  terminal.result(result, [
    `Factory      ${factory} (${channels.join(", ")})`,
    `root         version ${version}, until ${expires}`,
    `root key     ${roles.root.keyids.join(", ")}`,
    `archive      ${file.path} (before: ${file.path}.bak); keep both offline`,
  ]);
}
