/** The private keys in an owner's archive, and signing roots with them. */
import { archivedKeys } from "../../archive/keys.ts";
import type { ArchiveEntries } from "../../archive/archive.ts";
import { signingKeyFromArchive, type SigningKey } from "../../crypto/signing-key.ts";
import { RootwardError } from "../../error.ts";
import { canonicalize } from "../../tuf/canonical.ts";
import type { Dialect } from "../../tuf/dialect.ts";
import type { JsonObject } from "../../tuf/json.ts";
import { rootKey, type KeyId } from "../../tuf/keys.ts";
import { envelope } from "../../tuf/roles.ts";
import type { Root } from "../../tuf/root.ts";
import { signatureObject, type Signature } from "../../tuf/signatures.ts";

/** A private key with the id under which a root lists it (before fioctl 0.30 another than ours). */
export interface RootSigner {
  readonly keyid: KeyId;
  readonly key: SigningKey;
}

function heldKeys(entries: ArchiveEntries): readonly SigningKey[] {
  return archivedKeys(entries).map(({ privateText }) => signingKeyFromArchive(privateText));
}

/** The keys in the archive that a root lists as root keys. */
export function rootSigners(entries: ArchiveEntries, root: Root): readonly RootSigner[] {
  const held = heldKeys(entries);
  return root.roles.root.keyids.flatMap((keyid) => {
    const fingerprint = root.keys.get(keyid)?.key.fingerprint;
    const key = held.find(({ publicKey }) => publicKey.fingerprint === fingerprint);
    return key === undefined ? [] : [{ keyid, key }];
  });
}

/**
 * The one key in the archive that the current root lists as a root key.
 *
 * @throws RootwardError `archive-invalid` for none or several
 */
export function ownSigner(entries: ArchiveEntries, current: Root): RootSigner {
  const { keyids } = current.roles.root;
  const own = rootSigners(entries, current);
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
  return mine;
}

/** The key in the archive that has this id in our form. */
export function keyById(entries: ArchiveEntries, dialect: Dialect, keyid: KeyId): SigningKey {
  const key = heldKeys(entries).find(
    ({ publicKey }) => rootKey(publicKey, dialect).keyid === keyid,
  );
  if (key !== undefined) return key;
  throw new RootwardError("archive-invalid", `the archive lacks the key ${keyid} it announces`);
}

/** The envelope of `signed` with a signature by each of `signers`. UTF-8. */
export function signRoot(
  dialect: Dialect,
  signed: JsonObject,
  signers: readonly RootSigner[],
): Uint8Array {
  return withSignatures(dialect, signed, [], signers);
}

/** The same, with the signatures of others that are there already. UTF-8. */
export function withSignatures(
  dialect: Dialect,
  signed: JsonObject,
  others: readonly Signature[],
  signers: readonly RootSigner[],
): Uint8Array {
  const message = canonicalize(signed, dialect);
  const own = new Set(signers.map(({ keyid }) => keyid));
  return envelope(signed, [
    ...others.filter(({ keyid }) => !own.has(keyid)).map(({ object }) => object),
    ...signers.map(({ keyid, key }) =>
      signatureObject(keyid, key.publicKey, key.sign(message), dialect),
    ),
  ]);
}
