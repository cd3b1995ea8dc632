/**
 * Heads in DynamoDB: one item for each Factory, and the only one that is ever replaced. A swap is one
 * conditional put, sent once (once.ts).
 *
 * Due Factories are found in an index. All of it in one partition would let a thousand changes a second of
 * that partition slow down every swap, so Factories are spread over a few.
 */
import { PutItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { decodeHead, encodeHead, type Head } from "../../state/head.ts";
import { isFactoryName, type FactoryName } from "../../state/names.ts";
import type { Heads } from "../../service/ports.ts";
import { sha256Text } from "../../tuf/bytes.ts";
import { once } from "./once.ts";
import { conditional, numberAttribute, Table, textAttribute, type Item } from "./table.ts";
import { DUE_INDEX } from "./tables.ts";

const FACTORY = "factory#";

/** A head gets into a new shard at its next swap, so lowering this number loses Factories. */
const SHARDS = 4;

export class DynamoHeads implements Heads {
  readonly #table: Table;

  /** @param table the name of one laid out as MAIN_TABLE (tables.ts) */
  constructor(client: DynamoDBClient, table: string) {
    this.#table = new Table(client, table);
  }

  async read(factory: FactoryName): Promise<Head | null> {
    const item = await this.#table.get(keyOf(factory));
    return item === null ? null : decodeHead(textAttribute(item, "body"));
  }

  async create(head: Head): Promise<boolean> {
    const command = this.#table.putAbsentCommand(itemOf(head));
    return conditional(this.#table.client.send(once(command)));
  }

  async swap(revision: number, next: Head): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: this.#table.name,
      Item: itemOf(next),
      ConditionExpression: "#revision = :revision",
      ExpressionAttributeNames: { "#revision": "revision" },
      ExpressionAttributeValues: { ":revision": { N: `${revision}` } },
    });
    return conditional(this.#table.client.send(once(command)));
  }

  async due(now: number, limit: number): Promise<readonly FactoryName[]> {
    const shards = Array.from({ length: SHARDS }, (_, shard) => this.#due(shard, now, limit));
    const rows = (await Promise.all(shards)).flat();
    return rows
      .toSorted((a, b) => numberAttribute(a, "dueAt") - numberAttribute(b, "dueAt"))
      .slice(0, limit)
      .map((row) => textAttribute(row, "pk").slice(FACTORY.length))
      .filter(isFactoryName);
  }

  #due(shard: number, now: number, limit: number): Promise<readonly Item[]> {
    const { name, partitionKey, sortKey } = DUE_INDEX;
    return this.#table.query(
      {
        IndexName: name,
        KeyConditionExpression: "#due = :shard AND #dueAt <= :now",
        ExpressionAttributeNames: { "#due": partitionKey.name, "#dueAt": sortKey.name },
        ExpressionAttributeValues: { ":shard": { S: `${shard}` }, ":now": { N: `${now}` } },
      },
      limit,
    );
  }
}

function keyOf(factory: FactoryName): Item {
  return { pk: { S: `${FACTORY}${factory}` }, sk: { S: "head" } };
}

function itemOf(head: Head): Record<string, Item[string]> {
  const shard = Number.parseInt(sha256Text(head.factory).slice(0, 8), 16) % SHARDS;
  return {
    ...keyOf(head.factory),
    factory: { S: head.factory },
    revision: { N: `${head.revision}` },
    due: { S: `${shard}` },
    dueAt: { N: `${head.dueAt}` },
    body: { S: encodeHead(head) },
  };
}
