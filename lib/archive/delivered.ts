/**
 * The check of a delivered archive, before anybody confirms it: the archive that was announced, of the
 * Factory that was announced, with root version 1 as the service serves it, and with the private half of
 * every root key that this root names. The page and the CLI check with this same code.
 */
import { RootwardError } from "../error.ts";
import { sha256 } from "../tuf/bytes.ts";
import { readChainRoot, strictPolicy } from "../tuf/chain.ts";
import { channelsOf, type Channel } from "../tuf/dialect.ts";
import type { KeyId } from "../tuf/keys.ts";
import { readArchive, type ArchiveEntries } from "./archive.ts";
import { archivedKeys } from "./keys.ts";
import { isPrivateHalf } from "./private-half.ts";
import { archivedFactory, trustedRootEntry, type ArchivedFactory } from "./trust.ts";

/** The claim's description of the archive that it grants. */
export interface Announced {
  readonly factory: string;
  /** SHA-256 of the archive; hex. */
  readonly sha256: string;
  /** SHA-256 of root version 1 as served, hex, by channel. */
  readonly roots: Readonly<Record<string, string>>;
}

export interface Delivered extends ArchivedFactory {
  /** The root of each channel, as served. */
  readonly roots: ReadonlyMap<Channel, Uint8Array>;
  /** The ids of the root keys whose private halves the archive holds: all that its roots name. */
  readonly keyids: readonly KeyId[];
}

/**
 * Reads and checks a delivered archive. The roots' signatures are not verified here: a root that is
 * the announced one needs none, and a browser cannot do it at once.
 *
 * @param announced null for a file whose claim is not at hand
 * @throws RootwardError `archive-invalid`, or `chain-broken` and `malformed` for a root that is none
 */
export async function readDelivered(
  bytes: Uint8Array,
  announced: Announced | null,
): Promise<Delivered> {
  if (announced !== null && sha256(bytes) !== announced.sha256) {
    throw new RootwardError("archive-invalid", "the archive is not the one that was announced");
  }
  const entries = await readArchive(bytes);
  const about = archivedFactory(entries);
  if (about === null || (announced !== null && about.factory !== announced.factory)) {
    throw new RootwardError("archive-invalid", "the archive is of another Factory");
  }
  const roots = rootsOf(entries, about);
  if (announced !== null) assertAnnounced(roots, announced);
  return { ...about, roots, keyids: heldKeyids(entries, about, roots) };
}

function rootsOf(
  entries: ArchiveEntries,
  { dialect }: ArchivedFactory,
): ReadonlyMap<Channel, Uint8Array> {
  return new Map(
    channelsOf(dialect).map((channel) => {
      const root = entries.get(trustedRootEntry(channel));
      if (root !== undefined) return [channel, root];
      throw new RootwardError("archive-invalid", `the archive lacks its root of ${channel}`);
    }),
  );
}

function assertAnnounced(roots: ReadonlyMap<Channel, Uint8Array>, announced: Announced): void {
  for (const channel of new Set([...roots.keys(), ...Object.keys(announced.roots)])) {
    const root = roots.get(channel as Channel);
    if (root === undefined || sha256(root) !== announced.roots[channel]) {
      throw new RootwardError(
        "archive-invalid",
        `the archive's root of ${channel} is not root version 1 of the Factory`,
      );
    }
  }
}

function heldKeyids(
  entries: ArchiveEntries,
  { dialect }: ArchivedFactory,
  roots: ReadonlyMap<Channel, Uint8Array>,
): readonly KeyId[] {
  const held = new Set(
    archivedKeys(entries)
      .filter(({ privateText, publicKey }) => isPrivateHalf(privateText, publicKey))
      .map(({ publicKey }) => publicKey.fingerprint),
  );
  const keyids = new Set<KeyId>();
  for (const [channel, bytes] of roots) {
    // Lenient, as roots that are trusted for where they came from are read everywhere.
    const { root } = readChainRoot(bytes, {
      ...strictPolicy(dialect, channel),
      reading: "lenient",
    });
    for (const keyid of root.roles.root.keyids) {
      const key = root.keys.get(keyid)?.key;
      if (key === undefined || !held.has(key.fingerprint)) {
        throw new RootwardError("archive-invalid", `the archive lacks the private key ${keyid}`);
      }
      keyids.add(keyid);
    }
  }
  return [...keyids];
}
