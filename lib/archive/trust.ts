/**
 * The archive's memory of its Factory, under `tufrepo/rootward/` (fioctl keeps entries that it does not
 * know): the last root its owner trusted, where the audit log was, and a rotation that was sent but not yet
 * answered. With this, `keys rotate` believes nothing that a server merely hands it, and a run that was cut
 * off is continued with the roots that it signed.
 */
import { isRootwardError, RootwardError } from "../error.ts";
import type { LogMark } from "../state/event.ts";
import { isFactoryName, type FactoryName } from "../state/names.ts";
import { isSha256 } from "../tuf/bytes.ts";
import { encodeJson } from "../tuf/canonical.ts";
import { ALL_CHANNELS, DIALECTS, type Channel, type Dialect } from "../tuf/dialect.ts";
import { isJsonObject, jsonObject, parseJson, type JsonObject } from "../tuf/json.ts";
import { isKeyId, type KeyId } from "../tuf/keys.ts";
import type { ArchiveEntries } from "./archive.ts";
import { OWN_FOLDER } from "./entry-names.ts";

const FOLDER = OWN_FOLDER;
const FACTORY = `${FOLDER}/factory.json`;
const LOG = `${FOLDER}/log.json`;
const PENDING = `${FOLDER}/pending.json`;
const MAX_BYTES = 65_536;

/** The entry with the last trusted root of a channel, as served. */
export function trustedRootEntry(channel: Channel): string {
  return `${FOLDER}/${channel}.root.json`;
}

export interface ArchivedFactory {
  readonly factory: FactoryName;
  readonly dialect: Dialect;
}

export function factoryEntry({ factory, dialect }: ArchivedFactory): readonly [string, Uint8Array] {
  return [FACTORY, encodeJson(jsonObject({ factory, dialect }))];
}

/** @returns null for an archive that fioctl made, which does not say */
export function archivedFactory(entries: ArchiveEntries): ArchivedFactory | null {
  const value = readEntry(entries, FACTORY);
  if (value === null) return null;
  const { factory, dialect } = value;
  const known = DIALECTS.find((name) => name === dialect);
  if (typeof factory === "string" && isFactoryName(factory) && known !== undefined) {
    return { factory, dialect: known };
  }
  throw new RootwardError("archive-invalid", `archive entry ${FACTORY}: expected factory, dialect`);
}

export function logEntry({ seq, sha256 }: LogMark): readonly [string, Uint8Array] {
  return [LOG, encodeJson(jsonObject({ seq, sha256 }))];
}

/** The last audit event that this archive's owner saw; null before the first rotation. */
export function archivedLogMark(entries: ArchiveEntries): LogMark | null {
  const value = readEntry(entries, LOG);
  if (value === null) return null;
  const { seq, sha256 } = value;
  if (typeof seq === "number" && seq >= 1 && typeof sha256 === "string" && isSha256(sha256)) {
    return { seq, sha256 };
  }
  throw new RootwardError("archive-invalid", `archive entry ${LOG}: expected seq and sha256`);
}

/** The entry that says: a root with this new root key was perhaps sent, and no answer is known. */
export function pendingEntry(keyid: KeyId): readonly [string, Uint8Array] {
  return [PENDING, encodeJson(jsonObject({ keyid }))];
}

/** The new root key of a rotation that was cut off; null if none was. */
export function pendingKeyid(entries: ArchiveEntries): KeyId | null {
  const value = readEntry(entries, PENDING);
  if (value === null) return null;
  const { keyid } = value;
  if (isKeyId(keyid)) return keyid;
  throw new RootwardError("archive-invalid", `archive entry ${PENDING}: expected keyid`);
}

/** Where the next root of a channel lies that this archive's owner has signed, until it is in force. */
export function pendingRootEntry(channel: Channel): string {
  return `${FOLDER}/pending.${channel}.root.json`;
}

/** That root as it was signed, JSON; null if there is none, as after a run of an earlier release. */
export function pendingRoot(entries: ArchiveEntries, channel: Channel): Uint8Array | null {
  return entries.get(pendingRootEntry(channel)) ?? null;
}

/** The entries without the marks of a rotation under way. */
export function withoutPending(entries: ArchiveEntries): ArchiveEntries {
  const marks = [PENDING, ...ALL_CHANNELS.map(pendingRootEntry)];
  return new Map([...entries].filter(([name]) => !marks.includes(name)));
}

function readEntry(entries: ArchiveEntries, name: string): JsonObject | null {
  const bytes = entries.get(name);
  if (bytes === undefined) return null;
  try {
    const value = parseJson(bytes, { maxBytes: MAX_BYTES });
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!isRootwardError(error)) throw error;
  }
  throw new RootwardError("archive-invalid", `archive entry ${name}: expected a JSON object`);
}
