/**
 * The last document of each role that the signing boundary signed, and ceilings of numbers, in SQLite.
 * Schema 3 had the number alone, so a column that is null says that an earlier release signed it.
 */
import type { DatabaseSync } from "node:sqlite";
import { RootwardError } from "../../error.ts";
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import type { SignerVersions } from "../../signing/records.ts";
import { readRecord, type Ceiling, type RoleRecord } from "../../signing/role-record.ts";
import { isSha256 } from "../../tuf/bytes.ts";
import type { OnlineRole } from "../../tuf/dialect.ts";
import { isKeyId } from "../../tuf/keys.ts";
import type { Database } from "./connections.ts";
import { numberColumn, textColumn } from "./database.ts";

export const VERSIONS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS signer_versions (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL,
    version INTEGER NOT NULL, low INTEGER, far INTEGER, far_under TEXT, length INTEGER, sha256 TEXT,
    PRIMARY KEY (factory, instance, channel, role)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS signer_ceilings (
    factory TEXT NOT NULL, instance TEXT NOT NULL, version INTEGER NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (factory, instance)
  ) STRICT;
`;

/** Those that have rows of an instance. */
export const VERSIONS_TABLES = ["signer_versions", "signer_ceilings"] as const;

const ADDED = ["low INTEGER", "far INTEGER", "far_under TEXT", "length INTEGER", "sha256 TEXT"];

/** Adds the columns that schema 3 did not have; inside the caller's transaction. */
export function upgradeVersions(database: DatabaseSync): void {
  const columns = database.prepare("SELECT name FROM pragma_table_info('signer_versions')").all();
  if (columns.length === 0 || columns.some(({ name }) => name === "low")) return;
  for (const column of ADDED) database.exec(`ALTER TABLE signer_versions ADD COLUMN ${column}`);
}

export class SqliteSignerVersions implements SignerVersions {
  readonly #db: Database;

  constructor(database: Database) {
    this.#db = database;
  }

  async lastSigned(ref: ChannelRef, role: OnlineRole): Promise<RoleRecord | null> {
    const { factory, instance, channel } = ref;
    const row = await this.#db.read((sql) =>
      sql(
        `SELECT version, low, far, far_under, length, sha256 FROM signer_versions
         WHERE factory = ? AND instance = ? AND channel = ? AND role = ?`,
      ).get(factory, instance, channel, role),
    );
    return row === undefined ? null : recordOf(row);
  }

  async takeVersion(
    ref: ChannelRef,
    role: OnlineRole,
    before: number,
    { version, low, far, last }: RoleRecord,
  ): Promise<boolean> {
    const { factory, instance, channel } = ref;
    const key = [factory, instance, channel, role];
    const under = far?.under ?? null;
    const values = [
      version,
      low,
      far?.version ?? null,
      under && under.join(" "),
      last?.length ?? null,
      last?.sha256 ?? null,
    ];
    const { changes } = await this.#db.write((sql) =>
      before === 0
        ? sql(INSERT).run(...key, ...values)
        : sql(UPDATE).run(...values, ...key, before),
    );
    return changes === 1;
  }

  async ceiling({ factory, instance }: FactoryRef): Promise<Ceiling | null> {
    const row = await this.#db.read((sql) =>
      sql("SELECT version, since FROM signer_ceilings WHERE factory = ? AND instance = ?").get(
        factory,
        instance,
      ),
    );
    if (row === undefined) return null;
    return { version: numberColumn(row, "version"), since: numberColumn(row, "since") };
  }
}

const INSERT =
  "INSERT INTO signer_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
const UPDATE = `
  UPDATE signer_versions
  SET version = ?, low = ?, far = ?, far_under = ?, length = ?, sha256 = ?
  WHERE factory = ? AND instance = ? AND channel = ? AND role = ? AND version = ?`;

function recordOf(row: Record<string, unknown>): RoleRecord {
  const has = (name: string): boolean => row[name] !== null;
  const hash = has("sha256") ? textColumn(row, "sha256") : null;
  const under = has("far_under") ? textColumn(row, "far_under").split(" ") : null;
  if ((hash !== null && !isSha256(hash)) || (under !== null && !under.every(isKeyId))) {
    throw new RootwardError("internal", "a record of what was signed is damaged");
  }
  return readRecord({
    version: numberColumn(row, "version"),
    ...(has("low") && { low: numberColumn(row, "low") }),
    ...(has("far") && { far: numberColumn(row, "far") }),
    ...(under !== null && { under }),
    ...(has("length") && { length: numberColumn(row, "length") }),
    ...(hash !== null && { sha256: hash }),
  });
}
