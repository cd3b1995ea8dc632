/** Readings of the clock, as a fact about an installation: in the service's database and the signer's. */
import { uptime } from "node:os";
import * as v from "valibot";
import type { ClockRecord } from "../../state/clock.ts";
import type { ClockRecords } from "../../service/ports.ts";
import type { Database } from "./connections.ts";
import { readFact, writeFact } from "./database.ts";

const reading = v.strictObject({ at: v.number(), uptime: v.nullable(v.number()) });
const schema = v.strictObject({
  trusted: reading,
  doubt: v.nullable(v.strictObject({ since: reading, last: reading })),
});

export class SqliteClockRecords implements ClockRecords {
  readonly #db: Database;

  constructor(database: Database) {
    this.#db = database;
  }

  async read(): Promise<ClockRecord | null> {
    const fact = await this.#db.read((sql) => readFact(sql, "clock"));
    return fact === null ? null : v.parse(schema, JSON.parse(new TextDecoder().decode(fact)));
  }

  async write(record: ClockRecord): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify(record));
    await this.#db.write((sql) => writeFact(sql, "clock", value));
  }
}

/** Milliseconds since the machine started: it goes on while the machine sleeps, and nobody sets it. */
export function machineUptime(): number {
  return uptime() * 1000;
}
