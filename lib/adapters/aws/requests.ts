/**
 * Idempotency keys in DynamoDB: put if absent, and then the stored value, from whichever request.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { RootwardError } from "../../error.ts";
import type { Requests } from "../../service/ports.ts";
import { isSha256, type Sha256 } from "../../tuf/bytes.ts";
import { removedAfter, Table } from "./table.ts";

export class DynamoRequests implements Requests {
  readonly #table: Table;

  /** @param table the name of one laid out as MAIN_TABLE (tables.ts) */
  constructor(client: DynamoDBClient, table: string) {
    this.#table = new Table(client, table);
  }

  async first(keyHash: Sha256, bodyHash: Sha256, now: number): Promise<Sha256> {
    const key = { pk: { S: `request#${keyHash}` }, sk: { S: "request" } };
    const item = { ...key, bodyHash: { S: bodyHash }, ...removedAfter(now) };
    if (await this.#table.putIfAbsent(item)) return bodyHash;
    const stored = (await this.#table.get(key))?.["bodyHash"]?.S ?? "";
    if (!isSha256(stored)) throw new RootwardError("internal", "stored request is damaged");
    return stored;
  }

  /** DynamoDB does it (table.ts, removedAfter). */
  async removeOld(): Promise<void> {
    return Promise.resolve();
  }
}
