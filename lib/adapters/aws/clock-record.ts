/**
 * Readings of the clock in DynamoDB: one item, written by the schedule alone. A function has no counter of
 * its machine that outlives it, so what is noted is the clock.
 */
import { PutItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { ClockRecord, Reading } from "../../state/clock.ts";
import type { ClockRecords } from "../../service/ports.ts";
import { numberAttribute, Table, type Item } from "./table.ts";

const KEY = { pk: { S: "clock" }, sk: { S: "clock" } };

export class DynamoClockRecords implements ClockRecords {
  readonly #table: Table;

  /** @param table the name of one laid out as MAIN_TABLE (tables.ts) */
  constructor(client: DynamoDBClient, table: string) {
    this.#table = new Table(client, table);
  }

  async read(): Promise<ClockRecord | null> {
    const item = await this.#table.get(KEY);
    if (item === null) return null;
    const doubt = item["doubt"]?.M;
    return {
      trusted: readingOf(item["trusted"]?.M),
      doubt:
        doubt === undefined
          ? null
          : { since: readingOf(doubt["since"]?.M), last: readingOf(doubt["last"]?.M) },
    };
  }

  async write({ trusted, doubt }: ClockRecord): Promise<void> {
    const noted =
      doubt === null
        ? {}
        : { doubt: { M: { since: attribute(doubt.since), last: attribute(doubt.last) } } };
    const item = { ...KEY, trusted: attribute(trusted), ...noted };
    await this.#table.client.send(new PutItemCommand({ TableName: this.#table.name, Item: item }));
  }
}

function attribute({ at, uptime }: Reading) {
  const known = uptime === null ? {} : { uptime: { N: `${uptime}` } };
  return { M: { at: { N: `${at}` }, ...known } };
}

function readingOf(map: Item = {}): Reading {
  const uptime = map["uptime"] === undefined ? null : Number(map["uptime"].N);
  return { at: numberAttribute(map, "at"), uptime };
}
