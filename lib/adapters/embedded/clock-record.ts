/** Readings of the clock, as a fact about an installation: in the service's database and the signer's. */
import { uptime } from "node:os";
import type { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import type { ClockRecord } from "../../factory/clock.ts";
import type { ClockRecords } from "../../service/ports.ts";
import { readFact, writeFact } from "./database.ts";

const reading = v.strictObject({ at: v.number(), uptime: v.nullable(v.number()) });
const schema = v.strictObject({
  trusted: reading,
  doubt: v.nullable(v.strictObject({ since: reading, last: reading })),
});

export class SqliteClockRecords implements ClockRecords {
  readonly #db: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#db = database;
  }

  async read(): Promise<ClockRecord | null> {
    return this.readNow();
  }

  readNow(): ClockRecord | null {
    const fact = readFact(this.#db, "clock");
    return fact === null ? null : v.parse(schema, JSON.parse(new TextDecoder().decode(fact)));
  }

  async write(record: ClockRecord): Promise<void> {
    writeFact(this.#db, "clock", new TextEncoder().encode(JSON.stringify(record)));
  }
}

/** Milliseconds since the machine started: it goes on while the machine sleeps, and nobody sets it. */
export function machineUptime(): number {
  return uptime() * 1000;
}
