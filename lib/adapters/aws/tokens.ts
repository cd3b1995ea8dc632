/**
 * Tokens in DynamoDB, by their hash. A token is found with a consistent read, so that one that was
 * revoked is dead at once; the list is an index's, and may lag.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { FactoryName } from "../../state/names.ts";
import type { TokenRecord, Tokens } from "../../service/ports.ts";
import type { Sha256 } from "../../tuf/bytes.ts";
import { removedAfter, Table, textAttribute, type Item } from "./table.ts";
import { FACTORY_INDEX } from "./tables.ts";

export class DynamoTokens implements Tokens {
  readonly #table: Table;

  /** @param table the name of one laid out as MAIN_TABLE (tables.ts) */
  constructor(client: DynamoDBClient, table: string) {
    this.#table = new Table(client, table);
  }

  async put(token: TokenRecord): Promise<void> {
    const bound = token.bound?.factory;
    await this.#table.putIfAbsent({
      ...keyOf(token.hash),
      ...(bound !== undefined && { [FACTORY_INDEX.partitionKey.name]: { S: bound } }),
      body: { S: JSON.stringify(token) },
      ...(token.expiresAt !== null && removedAfter(token.expiresAt)),
    });
  }

  async find(hash: Sha256): Promise<TokenRecord | null> {
    const item = await this.#table.get(keyOf(hash));
    return item === null ? null : tokenOf(item);
  }

  async list(factory: FactoryName): Promise<readonly TokenRecord[]> {
    const items = await this.#table.query({
      IndexName: FACTORY_INDEX.name,
      KeyConditionExpression: "#factory = :factory",
      ExpressionAttributeNames: { "#factory": FACTORY_INDEX.partitionKey.name },
      ExpressionAttributeValues: { ":factory": { S: factory } },
    });
    return items.map(tokenOf);
  }

  async delete(hash: Sha256): Promise<void> {
    await this.#table.delete(keyOf(hash));
  }

  /** DynamoDB does it (table.ts, removedAfter). */
  async removeExpired(): Promise<void> {
    return Promise.resolve();
  }
}

function keyOf(hash: Sha256): Item {
  return { pk: { S: `token#${hash}` }, sk: { S: "token" } };
}

function tokenOf(item: Item): TokenRecord {
  return JSON.parse(textAttribute(item, "body")) as TokenRecord;
}
