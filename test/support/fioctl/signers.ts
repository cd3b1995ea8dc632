/**
 * Which keys of an archive may sign: a `.pub` whose public text is a root's, and its `.sec` beside it.
 * An archive holds at most one active key of a role; more is refused.
 */
import { canonical } from "./go-shapes.ts";
import {
  decodeKey,
  keyidsOf,
  signedBytes,
  TARGETS_BODY,
  type Signature,
  type Signatures,
  type TufRoot,
  type TufTargets,
} from "./documents.ts";
import { GoError } from "./go-error.ts";
import type { KeyArchive } from "./key-archive.ts";
import { parseKeyType, parsePrivate, signText, type Signer } from "./key-pair.ts";

/** No key was found, which is no error where two roots are tried. */
class NoKey extends GoError {}

/** @throws GoError unless exactly one key of `keyids` is in the archive */
export function oneSigner(root: TufRoot, archive: KeyArchive, keyids: readonly string[]): Signer {
  const [signer, ...others] = findSigners(root, archive, keyids);
  const shown = `[${keyids.join(" ")}]`;
  if (signer === undefined) throw new NoKey(`Found no active signing key for: ${shown}.`);
  if (others.length === 0) return signer;
  throw new GoError(
    `Found more than one active signing key for: ${shown}.\n` +
      "This is an unsupported and insecure way to store private keys.\n" +
      "Please, provide a keys file which contains a single active signing key.",
  );
}

/** @throws GoError if a key of `keyids` is in the archive */
export function assertNoSigner(
  root: TufRoot,
  archive: KeyArchive,
  keyids: readonly string[],
): void {
  if (findSigners(root, archive, keyids).length === 0) return;
  throw new GoError("It is not allowed to store more than one active signing key into one file");
}

function findSigners(
  root: TufRoot,
  archive: KeyArchive,
  keyids: readonly string[],
): readonly Signer[] {
  const wanted = keyids.map((id) => {
    const key = root.signed.keys?.[id];
    if (key === undefined) throw new GoError(`Unable to find key ${id} in root.json`);
    return { id, type: key.keytype, text: key.keyval.public.trim() };
  });
  return [...archive.keys()]
    .filter((name) => name.endsWith(".pub"))
    .flatMap((name) => {
      const text = readKey(archive, name).keyval.public.trim();
      const match = wanted.find((key) => key.text === text);
      if (match === undefined) return [];
      return [readSigner(archive, name.replace(".pub", ".sec"), match)];
    });
}

function readKey(archive: KeyArchive, name: string) {
  try {
    return decodeKey((archive.get(name) ?? Buffer.alloc(0)).toString());
  } catch (error) {
    if (!(error instanceof GoError)) throw error;
    throw new GoError(`Unable to parse JSON for ${name}: ${error.message}`);
  }
}

function readSigner(
  archive: KeyArchive,
  name: string,
  { id, type: wanted }: { readonly id: string; readonly type: string },
): Signer {
  const { keytype, keyval } = readKey(archive, name);
  if (keytype !== wanted) {
    throw new GoError(`Mismatch in key type for ${name}: ${keytype} != ${wanted}`);
  }
  const type = parseKeyType(keytype);
  return { id, type, key: parsePrivate(type, keyval.private) };
}

/** The signer that a root of the older generation names: by id and public text. */
export function signerOf(id: string, publicText: string, archive: KeyArchive): Signer {
  const text = publicText.trim();
  for (const name of archive.keys()) {
    if (!name.endsWith(".pub") || readKey(archive, name).keyval.public.trim() !== text) continue;
    const { keytype, keyval } = readKey(archive, name.replace(".pub", ".sec"));
    const type = parseKeyType(keytype);
    return { id, type, key: parsePrivate(type, keyval.private) };
  }
  throw new GoError(`Can not find private key for: ${text}`);
}

/** Adds signatures; those by other keys stay, behind the new ones. */
export function signRoot(root: TufRoot, signers: readonly Signer[]): TufRoot {
  const message = signedBytes(root);
  const fresh: readonly Signature[] = signers.map((signer) => signText(message, signer));
  const others = (root.signatures ?? []).filter(
    ({ keyid }) => !fresh.some((signature) => signature.keyid === keyid),
  );
  return { ...root, signatures: [...fresh, ...others] };
}

/** By the staged root's key, the current root's, or both; at least one is in the archive. */
export function stagedSigners(
  current: TufRoot,
  staged: TufRoot,
  archive: KeyArchive,
): readonly Signer[] {
  const attempt = (root: TufRoot): Signer | NoKey => {
    try {
      return oneSigner(root, archive, keyidsOf(root, "root"));
    } catch (error) {
      if (error instanceof NoKey) return error;
      throw error;
    }
  };
  const [next, old] = [attempt(staged), attempt(current)];
  if (next instanceof NoKey) {
    if (old instanceof NoKey) throw new GoError(`${old.message}\n${next.message}`);
    return [old];
  }
  return old instanceof NoKey || old.id === next.id ? [next] : [next, old];
}

/** One signature by each signer on each of the documents; null for none at all. */
export function signTargets(
  documents: Readonly<Record<string, TufTargets>> | null,
  signers: readonly Signer[],
): Signatures | null {
  if (documents === null) return null;
  return Object.fromEntries(
    Object.entries(documents).map(([name, { signed }]) => {
      const message = canonical(TARGETS_BODY, signed);
      return [name, signers.map((signer) => signText(message, signer))] as const;
    }),
  );
}
