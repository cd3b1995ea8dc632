/** The signing boundary's own records in SQLite: what finds a key, never the key. */
import type { DatabaseSync } from "node:sqlite";
import { RootwardError } from "../../error.ts";
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import { KEY_KINDS } from "../../signing/key-store.ts";
import type { KeyRecord, SignerRecords } from "../../signing/records.ts";
import type { Ceiling, RoleRecord } from "../../signing/role-record.ts";
import { ONLINE_ROLES, type OnlineRole } from "../../tuf/dialect.ts";
import { isKeyId, type KeyId } from "../../tuf/keys.ts";
import type { Database } from "./connections.ts";
import { blobColumn, numberColumn, textColumn } from "./database.ts";
import { ROOTS_SCHEMA, ROOTS_TABLES, SqliteSignerRoots, upgradeRoots } from "./signer-roots.ts";
import {
  SqliteSignerVersions,
  upgradeVersions,
  VERSIONS_SCHEMA,
  VERSIONS_TABLES,
} from "./signer-versions.ts";

export const SIGNER_SCHEMA = `
  ${ROOTS_SCHEMA}
  ${VERSIONS_SCHEMA}
  CREATE TABLE IF NOT EXISTS signer_keys (
    factory TEXT NOT NULL, instance TEXT NOT NULL, role TEXT NOT NULL, keyid TEXT NOT NULL,
    kind TEXT NOT NULL, handle BLOB NOT NULL, made_at INTEGER NOT NULL,
    PRIMARY KEY (factory, instance, role, keyid)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS signer_log (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, line TEXT NOT NULL
  ) STRICT;
`;

/** Brings over what earlier releases kept otherwise. Within the transaction of the start. */
export function upgradeSigner(database: DatabaseSync): void {
  upgradeRoots(database);
  upgradeVersions(database);
}

export class SqliteSignerRecords extends SqliteSignerRoots implements SignerRecords {
  readonly #db: Database;
  readonly #versions: SqliteSignerVersions;

  constructor(database: Database) {
    super(database);
    this.#db = database;
    this.#versions = new SqliteSignerVersions(database);
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
    await this.#db.transaction((sql) => {
      for (const table of ["signer_keys", ...ROOTS_TABLES, ...VERSIONS_TABLES]) {
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
