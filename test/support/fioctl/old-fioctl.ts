/**
 * The client before v0.30, which sends a whole signed root, ci first and then prod, each by its own
 * POST; between them nothing is whole. Three releases stand for all: v0.23 knows neither changelog
 * nor Ed25519, v0.27 writes the changelog, v0.29 drops a root key that it has replaced.
 */
import { existsSync } from "node:fs";
import { getFirstKey, getRoot } from "./api.ts";
import {
  encodeKey,
  encodeRoot,
  keyidsOf,
  ROOT_BARE,
  ROOT_WITHOUT_OWNERS,
  withRole,
  type TufRoot,
} from "./documents.ts";
import { GoError } from "./go-error.ts";
import type { ClientOptions } from "./http.ts";
import { indent } from "./json-reader.ts";
import {
  assertWritable,
  readArchive,
  saveArchive,
  withPair,
  type KeyArchive,
} from "./key-archive.ts";
import { makeKeyPair, parseKeyType, type KeyPair, type Signer } from "./key-pair.ts";
import {
  nextRoot,
  onlineTargetsId,
  postCi,
  sign,
  submit,
  syncProd,
  whoAmI,
  withTargetsSignatures,
  type OldRun,
  type Release,
} from "./old-root.ts";
import { inOneYear, runCommand } from "./shell.ts";
import { signerOf } from "./signers.ts";

interface OldRotateArgs {
  readonly keys: string;
  readonly keyType?: string;
  readonly changelog?: string;
}

interface OldRootArgs extends OldRotateArgs {
  /** Fetches the first root key into `keys`. */
  readonly initial?: boolean;
  /** Only sends the prod root that an earlier run did not bring there. */
  readonly syncProd?: boolean;
}

/** `fioctl keys ...` of an old release. */
export function oldFioctl(options: ClientOptions, release: Release) {
  const userAgent = release === "v0.23" ? "fioctl-2" : `fioctl-${release}`;
  const client = { ...options, userAgent };
  const shape = release === "v0.23" ? ROOT_BARE : ROOT_WITHOUT_OWNERS;
  const command =
    <A>(run: (run: OldRun, args: A) => Promise<void>) =>
    async (args: A): Promise<string> =>
      runCommand(client, (shell) => run(Object.assign(shell, { release, shape }), args));
  return {
    rotateRoot: command(rotateRoot),
    rotateTargets: command(rotateTargets),
    resignRoot: command(resignRoot),
  };
}

async function rotateRoot(run: OldRun, args: OldRootArgs): Promise<void> {
  const { keys, initial = false, syncProd: only = false, keyType = "RSA" } = args;
  const type = parseKeyType(keyType);
  const user = only && run.release === "v0.29" ? null : await whoAmI(run);
  const root = await getRoot(run.client, {}, run.shape);
  const archive = initial ? await fetchFirstKey(run, root, keys) : openArchive(keys);
  if (only) {
    await syncProd(run, root, archive);
    return;
  }
  const current = rootSigner(root, archive);
  run.print(`= Current root: ${current.id}`);
  const pair = makeKeyPair(type, { old: true });
  const { id } = pair.signer;
  run.print(`= New root: ${id}`);
  const listed = list(root, "root", [id], pair);
  const dated = { ...listed.signed, expires: inOneYear(run) };
  const silent = run.release === "v0.29" ? `Root role offline key rotation, new keyid: ${id}` : "";
  const next = nextRoot(run, { ...listed, signed: dated }, user, args.changelog ?? silent);
  run.print("= Resigning root.json");
  const signed = sign(run, next, [current, pair.signer]);
  await submit(run, keys, signed, withPair(archive, "root", pair));
}

async function rotateTargets(run: OldRun, args: OldRotateArgs): Promise<void> {
  const { keys, keyType = "RSA" } = args;
  const type = parseKeyType(keyType);
  const early = run.release === "v0.29" ? await whoAmI(run) : null;
  const archive = openArchive(keys);
  const root = await getRoot(run.client, {}, run.shape);
  const online = await onlineTargetsId(run, root);
  const current = rootSigner(root, archive);
  run.print(`= Root keyid: ${current.id}`);
  const pair = makeKeyPair(type, { old: true });
  const { id } = pair.signer;
  run.print(`= New target: ${id}`);
  const listed = withRole(list(root, "targets", [online, id], pair), "targets", { threshold: 1 });
  const filed = withPair(archive, "targets", pair);
  const user = early ?? (await whoAmI(run));
  const message = args.changelog ?? "Targets role key rotation";
  const signed = sign(run, nextRoot(run, listed, user, message), [current]);
  await submit(run, keys, await withTargetsSignatures(run, signed, online, filed), filed);
}

async function resignRoot(run: OldRun, args: { readonly keys: string; readonly dryRun?: boolean }) {
  const { keys, dryRun = false } = args;
  const archive = openArchive(keys);
  const user = await whoAmI(run);
  const root = await getRoot(run.client, {}, run.shape);
  const current = rootSigner(root, archive);
  run.print(`= Current root: ${current.id}`);
  const dated = { ...root, signed: { ...root.signed, expires: inOneYear(run) } };
  run.print("= Resigning root.json");
  const signed = sign(run, nextRoot(run, dated, user, "resigning root.json"), [current]);
  const body = indent(encodeRoot(signed, run.shape));
  if (dryRun) {
    run.print(body);
    return;
  }
  run.print("= Uploading new root.json");
  await postCi(run, body);
  await syncProd(run, signed, archive);
}

function openArchive(keys: string): KeyArchive {
  assertWritable(keys);
  return readArchive(keys);
}

async function fetchFirstKey(run: OldRun, root: TufRoot, keys: string): Promise<KeyArchive> {
  if (existsSync(keys)) {
    throw new GoError(
      "Destination file exists. Please make sure you aren't accidentally overwriting another factory's keys",
    );
  }
  const key = await getFirstKey(run.client);
  const listed = root.signed.keys?.[keyidsOf(root, "root")[0] ?? ""];
  if (listed === undefined) throw new GoError("root.json lists no root key");
  const archive = new Map([
    ["tufrepo/keys/first-root.sec", Buffer.from(encodeKey(key))],
    ["tufrepo/keys/first-root.pub", Buffer.from(encodeKey(listed))],
  ]);
  saveArchive(keys, archive);
  return archive;
}

/** Only the first root key counts. */
function rootSigner(root: TufRoot, archive: KeyArchive): Signer {
  const [id = ""] = keyidsOf(root, "root");
  return signerOf(id, root.signed.keys?.[id]?.keyval.public ?? "", archive);
}

function list(root: TufRoot, role: string, keyids: readonly string[], pair: KeyPair): TufRoot {
  const keys = { ...root.signed.keys, [pair.signer.id]: pair.listed };
  return withRole({ ...root, signed: { ...root.signed, keys } }, role, { keyids });
}
