/**
 * Ceilings of version numbers, as an operator at the signer's machine reads and raises them. The signer
 * may run meanwhile: it reads a ceiling for each document that needs one, and each instance has one row.
 */
import { RootwardError } from "../../error.ts";
import { isInstanceId, type FactoryName, type InstanceId } from "../../state/names.ts";
import type { Ceiling } from "../../signing/role-record.ts";
import type { Sql } from "./connections.ts";
import { numberColumn, textColumn } from "./database.ts";

/** The highest number that was signed for an instance, of whatever role and channel. */
export interface LastNumber {
  readonly instance: InstanceId;
  readonly version: number;
}

/** The last numbers of each instance of a Factory that the signer has signed for. */
export function lastNumbers(sql: Sql, factory: FactoryName): readonly LastNumber[] {
  return sql(
    `SELECT instance, MAX(version) AS version FROM signer_versions WHERE factory = ?
     GROUP BY instance ORDER BY instance`,
  )
    .all(factory)
    .map((row) => {
      const instance = textColumn(row, "instance");
      if (isInstanceId(instance)) return { instance, version: numberColumn(row, "version") };
      throw new RootwardError("internal", "a record of what was signed is damaged");
    });
}

/** Sets the ceilings and notes what was done; inside the caller's transaction. */
export function raiseCeilings(
  sql: Sql,
  factory: FactoryName,
  raised: readonly (LastNumber & Pick<Ceiling, "since">)[],
): void {
  for (const { instance, version, since } of raised) {
    sql(
      `INSERT INTO signer_ceilings VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET version = excluded.version, since = excluded.since`,
    ).run(factory, instance, version, since);
    sql("INSERT INTO signer_log (at, line) VALUES (?, ?)").run(
      since,
      `raise-ceiling ${factory} ${instance}: above version ${version}`,
    );
  }
}
