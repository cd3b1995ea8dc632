/**
 * Moves the signer's records out of the service's database, where earlier versions kept them: copied
 * and committed first, and removed there once they are the signer's own. A crash in between repeats.
 */
import type { DatabaseSync } from "node:sqlite";

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
export function copyRecords(database: DatabaseSync, file: string): boolean {
  return attached(database, file, () => {
    const names = database.prepare("SELECT name FROM service.sqlite_schema").all();
    if (!names.some(({ name }) => name === "signer_keys")) return false;
    for (const [table, columns, before] of TABLES) {
      database.exec(
        `INSERT OR IGNORE INTO main.${table} (${columns}) SELECT ${before} FROM service.${table}`,
      );
    }
    database.exec(
      "INSERT OR IGNORE INTO main.facts SELECT * FROM service.facts WHERE name = 'master key check'",
    );
    return true;
  });
}

/** Removes them from the service's database, and every byte of the keys from its files. */
export function removeCopied(database: DatabaseSync, file: string): void {
  attached(database, file, () => {
    database.exec("PRAGMA service.secure_delete = ON");
    for (const [table] of TABLES) database.exec(`DROP TABLE service.${table}`);
    database.exec("PRAGMA service.wal_checkpoint(TRUNCATE)");
  });
}

function attached<T>(database: DatabaseSync, file: string, work: () => T): T {
  database.prepare("ATTACH ? AS service").run(file);
  try {
    return work();
  } finally {
    database.exec("DETACH service");
  }
}
