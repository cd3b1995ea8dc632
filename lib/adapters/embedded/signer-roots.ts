/**
 * The roots of the signing boundary in SQLite. `signer_roots` has a row for each root that was
 * followed, and the highest version of a channel is the trusted one. Releases up to schema 3 had one
 * row for a channel, so that the versions before theirs may be missing.
 */
import type { DatabaseSync } from "node:sqlite";
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import type { ExpectedRoot, SignerRoots, TrustedRoot } from "../../signing/records.ts";
import { sha256 } from "../../tuf/bytes.ts";
import type { Channel } from "../../tuf/dialect.ts";
import type { KeyId } from "../../tuf/keys.ts";
import type { Database, Sql } from "./connections.ts";
import { blobColumn, numberColumn, textColumn } from "./database.ts";

export const ROOTS_TABLES = ["signer_roots", "signer_expected"] as const;

export const ROOTS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS signer_roots (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, version INTEGER NOT NULL,
    body BLOB NOT NULL, retired TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (factory, instance, channel, version)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS signer_expected (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, version INTEGER NOT NULL,
    sha256 TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (factory, instance, channel, version, sha256)
  ) STRICT;
`;

/** Gives the trusted root of schema 3 a row among those that follow. Within a transaction. */
export function upgradeRoots(database: DatabaseSync): void {
  const columns = database.prepare("SELECT name, pk FROM pragma_table_info('signer_roots')").all();
  if (columns.length === 0 || columns.some(({ name, pk }) => name === "version" && pk !== 0)) {
    return;
  }
  database.exec(`
    ALTER TABLE signer_roots RENAME TO signer_roots_before;
    ${ROOTS_SCHEMA}
    INSERT INTO signer_roots (factory, instance, channel, version, body, retired)
      SELECT factory, instance, channel, version, body, retired FROM signer_roots_before;
    DROP TABLE signer_roots_before;`);
}

const CHANNEL = "factory = ? AND instance = ? AND channel = ?";

export class SqliteSignerRoots implements SignerRoots {
  readonly #db: Database;

  constructor(database: Database) {
    this.#db = database;
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
        insert(sql, { factory, instance, channel }, { version: 1, bytes, retired: [] });
      }
      return true;
    });
  }

  async trustedRoot({ factory, instance, channel }: ChannelRef): Promise<TrustedRoot | null> {
    return this.#db.read((sql) =>
      rootOf(
        sql(
          `SELECT version, body, retired FROM signer_roots WHERE ${CHANNEL}
           ORDER BY version DESC LIMIT 1`,
        ).get(factory, instance, channel),
      ),
    );
  }

  async advanceTrust(ref: ChannelRef, version: number, next: TrustedRoot): Promise<boolean> {
    return this.#db.transaction((sql) => {
      if (trustedVersion(sql, ref) !== version || next.version <= version) return false;
      insert(sql, ref, next);
      sql(`DELETE FROM signer_expected WHERE ${CHANNEL} AND version <= ?`).run(
        ref.factory,
        ref.instance,
        ref.channel,
        next.version,
      );
      return true;
    });
  }

  async keptRoot(
    { factory, instance, channel }: ChannelRef,
    version: number,
  ): Promise<TrustedRoot | null> {
    return this.#db.read((sql) =>
      rootOf(
        sql(`SELECT version, body, retired FROM signer_roots WHERE ${CHANNEL} AND version = ?`).get(
          factory,
          instance,
          channel,
          version,
        ),
      ),
    );
  }

  async keepRoot(ref: ChannelRef, root: TrustedRoot): Promise<void> {
    await this.#db.transaction((sql) => {
      const trusted = trustedVersion(sql, ref);
      if (trusted !== null && root.version < trusted) insert(sql, ref, root);
    });
  }

  async expectRoot(ref: ChannelRef, version: number, root: ExpectedRoot): Promise<boolean> {
    const { factory, instance, channel } = ref;
    return this.#db.transaction((sql) => {
      if (trustedVersion(sql, ref) !== version) return false;
      sql("INSERT INTO signer_expected VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING").run(
        factory,
        instance,
        channel,
        root.version,
        sha256(root.bytes),
        root.bytes,
      );
      return true;
    });
  }

  async expectedRoots({
    factory,
    instance,
    channel,
  }: ChannelRef): Promise<readonly ExpectedRoot[]> {
    const rows = await this.#db.read((sql) =>
      sql(
        `SELECT version, body FROM signer_expected WHERE ${CHANNEL} ORDER BY version, sha256`,
      ).all(factory, instance, channel),
    );
    return rows.map((row) => ({
      version: numberColumn(row, "version"),
      bytes: blobColumn(row, "body"),
    }));
  }

  /**
   * Removes the trust in one root, on the word of an operator: the root before it is trusted again, and
   * none of its version is expected.
   *
   * @param line what the log keeps of it, in the same transaction
   * @returns false where the root before it is not kept; then nothing changes
   */
  async forgetRoot(refs: readonly ChannelRef[], version: number, line: LogLine): Promise<boolean> {
    return this.#db.transaction((sql) => {
      const places = refs.map((ref) => [ref.factory, ref.instance, ref.channel] as const);
      const trusted = places.filter((_, at) => {
        const ref = refs[at];
        return ref !== undefined && trustedVersion(sql, ref) === version;
      });
      const before = sql(`SELECT 1 FROM signer_roots WHERE ${CHANNEL} AND version = ?`);
      if (trusted.some((place) => before.get(...place, version - 1) === undefined)) return false;
      for (const table of ROOTS_TABLES) {
        const from = table === "signer_roots" ? trusted : places;
        const gone = sql(`DELETE FROM ${table} WHERE ${CHANNEL} AND version = ?`);
        for (const place of from) gone.run(...place, version);
      }
      logOperation(sql, line);
      return true;
    });
  }
}

/** The act of an operator, and its time in milliseconds since 1970. */
export interface LogLine {
  readonly at: number;
  readonly line: string;
}

/** Keeps a line about an operator's act, for people who read the records later. */
function logOperation(sql: Sql, { at, line }: LogLine): void {
  sql("INSERT INTO signer_log (at, line) VALUES (?, ?)").run(at, line);
}

type Place = Pick<ChannelRef, "factory" | "instance" | "channel">;

function insert(
  sql: Sql,
  { factory, instance, channel }: Place,
  { version, bytes, retired }: TrustedRoot,
): void {
  sql("INSERT INTO signer_roots VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING").run(
    factory,
    instance,
    channel,
    version,
    bytes,
    JSON.stringify(retired),
  );
}

function trustedVersion(sql: Sql, { factory, instance, channel }: Place): number | null {
  const row = sql(
    `SELECT version FROM signer_roots WHERE ${CHANNEL} ORDER BY version DESC LIMIT 1`,
  ).get(factory, instance, channel);
  return row === undefined ? null : numberColumn(row, "version");
}

function rootOf(row: Record<string, unknown> | undefined): TrustedRoot | null {
  if (row === undefined) return null;
  const retired = JSON.parse(textColumn(row, "retired")) as readonly KeyId[];
  return { version: numberColumn(row, "version"), bytes: blobColumn(row, "body"), retired };
}
