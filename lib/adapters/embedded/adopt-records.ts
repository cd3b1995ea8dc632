/**
 * Moves the signer's records out of the service's database, where earlier versions kept them: copied
 * and committed first, and removed there once they are the signer's own. A crash in between repeats.
 */
import { DatabaseSync } from "node:sqlite";
import type { Database } from "./connections.ts";

/** Each table with its columns, and what they were then. */
const TABLES = [
  [
    "signer_keys",
    "factory, instance, role, keyid, kind, handle, made_at",
    "factory, instance, role, keyid, 'sealed', wrapped, made_at",
  ],
  ...[
    ["signer_roots", "factory, instance, channel, version, body"] as const,
    ["signer_versions", "factory, instance, channel, role, version"] as const,
  ].map(([table, columns]) => [table, columns, columns] as const),
] as const;

/**
 * @param database the signer's, with its tables
 * @param file the service's
 * @returns whether there were records
 */
export async function copyRecords(database: Database, file: string): Promise<boolean> {
  if (!hasRecords(file)) return false;
  await database.write((_, raw) =>
    attached(raw, file, () => {
      for (const [table, columns, before] of TABLES) {
        raw.exec(
          `INSERT OR IGNORE INTO main.${table} (${columns}) SELECT ${before} FROM service.${table}`,
        );
      }
      raw.exec(
        "INSERT OR IGNORE INTO main.facts SELECT * FROM service.facts WHERE name = 'master key check'",
      );
    }),
  );
  return true;
}

/** Removes them from the service's database, and every byte of the keys from its files. */
export async function removeCopied(database: Database, file: string): Promise<void> {
  await database.write((_, raw) =>
    attached(raw, file, () => {
      raw.exec("PRAGMA service.secure_delete = ON");
      for (const [table] of TABLES) raw.exec(`DROP TABLE IF EXISTS service.${table}`);
      raw.exec("PRAGMA service.wal_checkpoint(TRUNCATE)");
    }),
  );
}

/** Through a connection that writes nothing. Where it cannot be used, the service is told why. */
function hasRecords(file: string): boolean {
  try {
    const service = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    try {
      const found = "SELECT 1 FROM sqlite_schema WHERE name = 'signer_keys'";
      return service.prepare(found).get() !== undefined;
    } finally {
      service.close();
    }
  } catch {
    return false;
  }
}

function attached(database: DatabaseSync, file: string, work: () => void): void {
  database.prepare("ATTACH ? AS service").run(file);
  try {
    work();
  } finally {
    database.exec("DETACH service");
  }
}
