/** The signing boundary's own records in SQLite: what finds a key, never the key. */
import type { DatabaseSync } from "node:sqlite";
import { RootwardError } from "../../error.ts";
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import { KEY_KINDS } from "../../signing/key-store.ts";
import type { KeyRecord, SignerRecords, TrustedRoot } from "../../signing/records.ts";
import type { Ceiling, RoleRecord } from "../../signing/role-record.ts";
import { ONLINE_ROLES, type Channel, type OnlineRole } from "../../tuf/dialect.ts";
import { isKeyId, type KeyId } from "../../tuf/keys.ts";
import { blobColumn, numberColumn, textColumn, truncateLog } from "./database.ts";
import {
  SqliteSignerVersions,
  upgradeVersions,
  VERSIONS_SCHEMA,
  VERSIONS_TABLES,
} from "./signer-versions.ts";

export const SIGNER_SCHEMA = `
  ${VERSIONS_SCHEMA}
  CREATE TABLE IF NOT EXISTS signer_keys (
    factory TEXT NOT NULL, instance TEXT NOT NULL, role TEXT NOT NULL, keyid TEXT NOT NULL,
    kind TEXT NOT NULL, handle BLOB NOT NULL, made_at INTEGER NOT NULL,
    PRIMARY KEY (factory, instance, role, keyid)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS signer_roots (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, version INTEGER NOT NULL,
    body BLOB NOT NULL, retired TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (factory, instance, channel)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS signer_log (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, line TEXT NOT NULL
  ) STRICT;
`;

/** Brings over what earlier releases kept otherwise: all of it, or nothing. */
export function upgradeSigner(database: DatabaseSync): void {
  // The lock comes first: another start may have upgraded it meanwhile.
  database.exec("BEGIN IMMEDIATE");
  try {
    upgradeVersions(database);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

export class SqliteSignerRecords implements SignerRecords {
  readonly #db: DatabaseSync;
  readonly #versions: SqliteSignerVersions;

  constructor(database: DatabaseSync) {
    this.#db = database;
    this.#versions = new SqliteSignerVersions(database);
  }

  async putKey({ factory, instance }: FactoryRef, key: KeyRecord): Promise<void> {
    this.#db
      .prepare("INSERT INTO signer_keys VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
      .run(factory, instance, key.role, key.keyid, key.kind, key.handle, key.madeAt);
  }

  async key(
    { factory, instance }: FactoryRef,
    role: OnlineRole,
    keyid: KeyId,
  ): Promise<KeyRecord | null> {
    const row = this.#db
      .prepare(
        `SELECT * FROM signer_keys
         WHERE factory = ? AND instance = ? AND role = ? AND keyid = ?`,
      )
      .get(factory, instance, role, keyid);
    return row === undefined ? null : keyRecord(row);
  }

  async keys({ factory, instance }: FactoryRef): Promise<readonly KeyRecord[]> {
    return this.#db
      .prepare("SELECT * FROM signer_keys WHERE factory = ? AND instance = ?")
      .all(factory, instance)
      .map(keyRecord);
  }

  async removeKey(
    { factory, instance }: FactoryRef,
    role: OnlineRole,
    keyid: KeyId,
  ): Promise<void> {
    this.#db
      .prepare(
        `DELETE FROM signer_keys
         WHERE factory = ? AND instance = ? AND role = ? AND keyid = ?`,
      )
      .run(factory, instance, role, keyid);
    truncateLog(this.#db);
  }

  async startTrust(
    { factory, instance }: FactoryRef,
    roots: readonly { readonly channel: Channel; readonly bytes: Uint8Array }[],
  ): Promise<boolean> {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const insert = this.#db.prepare(
        `INSERT INTO signer_roots (factory, instance, channel, version, body)
         VALUES (?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`,
      );
      const known = this.#db
        .prepare("SELECT 1 FROM signer_roots WHERE factory = ? AND instance = ?")
        .get(factory, instance);
      // Whatever the channel: the channels of an instance are those of its one dialect.
      const fresh =
        known === undefined &&
        roots.every(
          ({ channel, bytes }) => insert.run(factory, instance, channel, bytes).changes === 1,
        );
      this.#db.exec(fresh ? "COMMIT" : "ROLLBACK");
      return fresh;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  async trustedRoot({ factory, instance, channel }: ChannelRef): Promise<TrustedRoot | null> {
    const row = this.#db
      .prepare(
        `SELECT version, body, retired FROM signer_roots
         WHERE factory = ? AND instance = ? AND channel = ?`,
      )
      .get(factory, instance, channel);
    if (row === undefined) return null;
    const retired = JSON.parse(textColumn(row, "retired")) as readonly KeyId[];
    return { version: numberColumn(row, "version"), bytes: blobColumn(row, "body"), retired };
  }

  async advanceTrust(
    { factory, instance, channel }: ChannelRef,
    version: number,
    next: TrustedRoot,
  ): Promise<boolean> {
    const { changes } = this.#db
      .prepare(
        `UPDATE signer_roots SET version = ?, body = ?, retired = ?
         WHERE factory = ? AND instance = ? AND channel = ? AND version = ?`,
      )
      .run(
        next.version,
        next.bytes,
        JSON.stringify(next.retired),
        factory,
        instance,
        channel,
        version,
      );
    return changes === 1;
  }

  async lastSigned(ref: ChannelRef, role: OnlineRole): Promise<RoleRecord | null> {
    return this.#versions.lastSigned(ref, role);
  }

  async takeVersion(
    ref: ChannelRef,
    role: OnlineRole,
    before: number,
    next: RoleRecord,
  ): Promise<boolean> {
    return this.#versions.takeVersion(ref, role, before, next);
  }

  async ceiling(ref: FactoryRef): Promise<Ceiling | null> {
    return this.#versions.ceiling(ref);
  }

  async forget({ factory, instance }: FactoryRef): Promise<void> {
    for (const table of ["signer_keys", "signer_roots", ...VERSIONS_TABLES]) {
      this.#db
        .prepare(`DELETE FROM ${table} WHERE factory = ? AND instance = ?`)
        .run(factory, instance);
    }
    truncateLog(this.#db);
  }
}

function keyRecord(row: Record<string, unknown>): KeyRecord {
  const role = ONLINE_ROLES.find((name) => name === row["role"]);
  const kind = KEY_KINDS.find((name) => name === row["kind"]);
  const keyid = textColumn(row, "keyid");
  if (role === undefined || kind === undefined || !isKeyId(keyid)) {
    throw new RootwardError("internal", "a record of an online key is damaged");
  }
  return {
    role,
    keyid,
    kind,
    handle: blobColumn(row, "handle"),
    madeAt: numberColumn(row, "made_at"),
  };
}
