/**
 * The roots of one version that an operator may have the signer forget (cli/signer/signer-forget-root.ts):
 * the newest that it trusts for a channel, and those that it expects. One below the newest is followed
 * by roots that build on it.
 */
import { RootwardError } from "../../error.ts";
import { isFactoryName, isInstanceId } from "../../state/names.ts";
import type { ChannelRef } from "../../service/ports.ts";
import { sha256, type Sha256 } from "../../tuf/bytes.ts";
import { readChainRoot } from "../../tuf/chain.ts";
import { ALL_CHANNELS } from "../../tuf/dialect.ts";
import type { Root } from "../../tuf/root.ts";
import type { Database } from "./connections.ts";
import { blobColumn, textColumn } from "./database.ts";

export interface Forgettable {
  readonly ref: ChannelRef;
  readonly version: number;
  readonly sha256: Sha256;
  readonly root: Root;
  /** Or else expected only. */
  readonly trusted: boolean;
}

export async function forgettableRoots(
  database: Database,
  factory: string,
  version: number,
): Promise<readonly Forgettable[]> {
  const trusted = await database.read((sql) =>
    sql(
      `SELECT instance, channel, body FROM signer_roots AS one
       WHERE factory = ? AND version = ? AND NOT EXISTS (
         SELECT 1 FROM signer_roots AS other
         WHERE other.factory = one.factory AND other.instance = one.instance
           AND other.channel = one.channel AND other.version > one.version)
       ORDER BY instance, channel`,
    ).all(factory, version),
  );
  const expected = await database.read((sql) =>
    sql(
      `SELECT instance, channel, body FROM signer_expected
       WHERE factory = ? AND version = ? ORDER BY instance, channel, sha256`,
    ).all(factory, version),
  );
  return [
    ...trusted.map((row) => forgettable(row, factory, version, true)),
    ...expected.map((row) => forgettable(row, factory, version, false)),
  ];
}

function forgettable(
  row: Record<string, unknown>,
  factory: string,
  version: number,
  trusted: boolean,
): Forgettable {
  const channel = ALL_CHANNELS.find((name) => name === row["channel"]);
  const instance = textColumn(row, "instance");
  const body = blobColumn(row, "body");
  if (channel === undefined || !isInstanceId(instance) || !isFactoryName(factory)) {
    throw new RootwardError("internal", "a record of a root is damaged");
  }
  const dialect = channel === "main" ? "tuf" : "ats";
  const { root } = readChainRoot(body, { dialect, channel, reading: "lenient" });
  const ref = { factory, instance, dialect, channel } as const;
  return { ref, version, sha256: sha256(body), root, trusted };
}
