/**
 * The first metadata of a Factory: online keys behind the boundary, version 1 of the root(s) signed
 * by the fresh root key, the owner's archive, and the online roles that can be signed already.
 */
import { writeArchive } from "../../archive/archive.ts";
import { FIRST_ROOT_KEY, keyEntries } from "../../archive/keys.ts";
import { factoryEntry, trustedRootEntry } from "../../archive/trust.ts";
import { rolePlace, storedDocument, type StoredDocument } from "../../state/documents.ts";
import type { Head } from "../../state/head.ts";
import { roleVersion, withSignedRoles } from "../../state/roles.ts";
import { canonicalize } from "../../tuf/canonical.ts";
import { channelsOf, type Channel, type OnlineRole } from "../../tuf/dialect.ts";
import { jsonObject } from "../../tuf/json.ts";
import { rootKey, type KeyType, type RootKey } from "../../tuf/keys.ts";
import { envelope, firstRoot } from "../../tuf/roles.ts";
import { signatureObject } from "../../tuf/signatures.ts";
import type { FactoryRef, RootKeyPair } from "../ports.ts";
import type { Needs } from "../service.ts";
import { signRoles } from "../sign-roles.ts";

/** In ats the prod targets threshold starts at 2, so prod is published once its owner signs targets. */
function targetsThreshold(channel: Channel): number {
  return channel === "prod" ? 2 : 1;
}

export async function makeOnlineKeys(
  service: Needs<"boundary">,
  ref: FactoryRef,
  keyType: KeyType,
): Promise<Readonly<Record<OnlineRole, RootKey>>> {
  const key = async (role: OnlineRole): Promise<RootKey> =>
    rootKey(await service.boundary.makeKey(ref, role, keyType), ref.dialect);
  const keys = [key("targets"), key("snapshot"), key("timestamp")] as const;
  // When one fails the others are over too, so none is stored after they were taken back.
  await Promise.allSettled(keys);
  const [targets, snapshot, timestamp] = await Promise.all(keys);
  return { targets, snapshot, timestamp };
}

export interface FirstRoot {
  readonly channel: Channel;
  readonly document: StoredDocument;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

export function makeFirstRoots(
  service: Needs<"now" | "policy">,
  ref: FactoryRef,
  rootPair: RootKeyPair,
  root: RootKey,
  onlineKeys: Readonly<Record<OnlineRole, RootKey>>,
): readonly FirstRoot[] {
  const { dialect } = ref;
  const expires = Math.floor((service.now() + service.policy.rootLifetime) / 1000) * 1000;
  return channelsOf(dialect).map((channel) => {
    const signed = firstRoot({
      dialect,
      expires,
      rootKey: root,
      onlineKeys,
      targetsThreshold: targetsThreshold(channel),
    });
    const signature = rootPair.sign(canonicalize(signed, dialect));
    const bytes = envelope(signed, [signatureObject(root.keyid, root.key, signature, dialect)]);
    const place = rolePlace(ref, channel, "root", 1);
    return { channel, document: storedDocument(place, bytes), expires };
  });
}

export async function makeArchive(
  ref: FactoryRef,
  rootPair: RootKeyPair,
  roots: readonly FirstRoot[],
): Promise<Uint8Array> {
  return writeArchive(
    new Map([
      ...keyEntries(FIRST_ROOT_KEY, rootPair.publicKey, rootPair.toArchiveText()),
      factoryEntry(ref),
      ...roots.map(({ channel, document }) => [trustedRootEntry(channel), document.bytes] as const),
    ]),
  );
}

export async function signFirstRoles(
  service: Needs<"boundary" | "clock" | "heads" | "now" | "policy" | "randomBytes">,
  ref: FactoryRef,
  roots: readonly FirstRoot[],
): Promise<{ roles: Head["roles"]; documents: readonly StoredDocument[] }> {
  await service.boundary.trustFirstRoots(
    ref,
    roots.map(({ channel, document }) => ({ channel, bytes: document.bytes })),
  );
  let roles: Head["roles"] = Object.fromEntries(
    roots.map(({ channel, document, expires }) => [
      channel,
      { root: roleVersion(document, expires) },
    ]),
  );
  const documents = roots.map(({ document }) => document);
  for (const { channel } of roots.filter((root) => targetsThreshold(root.channel) === 1)) {
    const channelRoles = roles[channel];
    if (channelRoles === undefined) continue;
    const signed = await signRoles(service, {
      ref: { ...ref, channel },
      roles: channelRoles,
      from: "targets",
      targets: jsonObject({}),
    });
    roles = withSignedRoles(roles, signed);
    documents.push(...signed.map(({ document }) => document));
  }
  return { roles, documents };
}
