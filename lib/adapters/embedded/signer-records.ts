/** The signing boundary's own records in SQLite: what finds a key, never the key. */
import { RootwardError } from "../../error.ts";
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import { KEY_KINDS } from "../../signing/key-store.ts";
import type { KeyRecord, SignerRecords, TrustedRoot } from "../../signing/records.ts";
import { ONLINE_ROLES, type Channel, type OnlineRole } from "../../tuf/dialect.ts";
import { isKeyId, type KeyId } from "../../tuf/keys.ts";
import type { Database } from "./connections.ts";
import { blobColumn, numberColumn, textColumn } from "./database.ts";

export const SIGNER_SCHEMA = `
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
  CREATE TABLE IF NOT EXISTS signer_versions (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (factory, instance, channel, role)
  ) STRICT;
`;

export class SqliteSignerRecords implements SignerRecords {
  readonly #db: Database;

  constructor(database: Database) {
    this.#db = database;
  }

  async putKey({ factory, instance }: FactoryRef, key: KeyRecord): Promise<void> {
    await this.#db.write((sql) =>
      sql("INSERT INTO signer_keys VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING").run(
        factory,
        instance,
        key.role,
        key.keyid,
        key.kind,
        key.handle,
        key.madeAt,
      ),
    );
  }

  async key(
    { factory, instance }: FactoryRef,
    role: OnlineRole,
    keyid: KeyId,
  ): Promise<KeyRecord | null> {
    const row = await this.#db.read((sql) =>
      sql(
        `SELECT * FROM signer_keys
         WHERE factory = ? AND instance = ? AND role = ? AND keyid = ?`,
      ).get(factory, instance, role, keyid),
    );
    return row === undefined ? null : keyRecord(row);
  }

  async keys({ factory, instance }: FactoryRef): Promise<readonly KeyRecord[]> {
    const rows = await this.#db.read((sql) =>
      sql("SELECT * FROM signer_keys WHERE factory = ? AND instance = ?").all(factory, instance),
    );
    return rows.map(keyRecord);
  }

  async removeKey(
    { factory, instance }: FactoryRef,
    role: OnlineRole,
    keyid: KeyId,
  ): Promise<void> {
    await this.#db.write((sql) =>
      sql(
        `DELETE FROM signer_keys
         WHERE factory = ? AND instance = ? AND role = ? AND keyid = ?`,
      ).run(factory, instance, role, keyid),
    );
    await this.#db.truncateLog();
  }

  async startTrust(
    { factory, instance }: FactoryRef,
    roots: readonly { readonly channel: Channel; readonly bytes: Uint8Array }[],
  ): Promise<boolean> {
    if (new Set(roots.map(({ channel }) => channel)).size < roots.length) return false;
    return this.#db.transaction((sql) => {
      // Whatever the channel: the channels of an instance are those of its one dialect.
      const known = sql("SELECT 1 FROM signer_roots WHERE factory = ? AND instance = ?").get(
        factory,
        instance,
      );
      if (known !== undefined) return false;
      for (const { channel, bytes } of roots) {
        sql(
          `INSERT INTO signer_roots (factory, instance, channel, version, body)
           VALUES (?, ?, ?, 1, ?)`,
        ).run(factory, instance, channel, bytes);
      }
      return true;
    });
  }

  async trustedRoot({ factory, instance, channel }: ChannelRef): Promise<TrustedRoot | null> {
    const row = await this.#db.read((sql) =>
      sql(
        `SELECT version, body, retired FROM signer_roots
         WHERE factory = ? AND instance = ? AND channel = ?`,
      ).get(factory, instance, channel),
    );
    if (row === undefined) return null;
    const retired = JSON.parse(textColumn(row, "retired")) as readonly KeyId[];
    return { version: numberColumn(row, "version"), bytes: blobColumn(row, "body"), retired };
  }

  async advanceTrust(
    { factory, instance, channel }: ChannelRef,
    version: number,
    next: TrustedRoot,
  ): Promise<boolean> {
    const { changes } = await this.#db.write((sql) =>
      sql(
        `UPDATE signer_roots SET version = ?, body = ?, retired = ?
         WHERE factory = ? AND instance = ? AND channel = ? AND version = ?`,
      ).run(
        next.version,
        next.bytes,
        JSON.stringify(next.retired),
        factory,
        instance,
        channel,
        version,
      ),
    );
    return changes === 1;
  }

  async lastVersion({ factory, instance, channel }: ChannelRef, role: OnlineRole): Promise<number> {
    const row = await this.#db.read((sql) =>
      sql(
        `SELECT version FROM signer_versions
         WHERE factory = ? AND instance = ? AND channel = ? AND role = ?`,
      ).get(factory, instance, channel, role),
    );
    return row === undefined ? 0 : numberColumn(row, "version");
  }

  async takeVersion(
    { factory, instance, channel }: ChannelRef,
    role: OnlineRole,
    version: number,
  ): Promise<boolean> {
    const { changes } = await this.#db.write((sql) =>
      sql(
        `INSERT INTO signer_versions VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET version = excluded.version WHERE version < excluded.version`,
      ).run(factory, instance, channel, role, version),
    );
    return changes === 1;
  }

  async forget({ factory, instance }: FactoryRef): Promise<void> {
    await this.#db.transaction((sql) => {
      for (const table of ["signer_keys", "signer_roots", "signer_versions"]) {
        sql(`DELETE FROM ${table} WHERE factory = ? AND instance = ?`).run(factory, instance);
      }
    });
    await this.#db.truncateLog();
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
