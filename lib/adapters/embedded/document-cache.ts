/**
 * Documents that were read lately, up to a limit in bytes: many devices ask for the same few, and each
 * answer shares one array instead of having a copy from the database. Documents never change, so nothing in
 * here gets old. The right to read is decided before, from the head.
 */
import type { DocumentAddress } from "../../state/documents.ts";
import type { Documents } from "../../service/ports.ts";

const MAX_BYTES = 32 * 1024 * 1024;

export function cacheDocuments(store: Documents, maxBytes = MAX_BYTES): Documents {
  /** By address, the one that was read longest ago first. */
  const kept = new Map<string, Uint8Array>();
  /** The documents that are being read, so that each is read once. */
  const coming = new Map<string, Promise<Uint8Array | null>>();
  let total = 0;

  const keep = (key: string, bytes: Uint8Array): void => {
    if (bytes.length > maxBytes || kept.has(key)) return;
    kept.set(key, bytes);
    total += bytes.length;
    for (const [oldest, { length }] of kept) {
      if (total <= maxBytes) return;
      kept.delete(oldest);
      total -= length;
    }
  };
  const read = async (key: string, address: DocumentAddress): Promise<Uint8Array | null> => {
    try {
      const bytes = await store.get(address);
      if (bytes !== null) keep(key, bytes);
      return bytes;
    } finally {
      coming.delete(key);
    }
  };
  return {
    put: (document) => store.put(document),
    publish: (address) => store.publish(address),
    published: (place) => store.published(place),
    async get(address) {
      const { factory, instance, channel, role, version, sha256 } = address;
      const key = [factory, instance, channel, role, version, sha256].join(" ");
      const bytes = kept.get(key);
      if (bytes !== undefined) {
        kept.delete(key);
        kept.set(key, bytes);
        return bytes;
      }
      const reading = coming.get(key) ?? read(key, address);
      coming.set(key, reading);
      return reading;
    },
  };
}
