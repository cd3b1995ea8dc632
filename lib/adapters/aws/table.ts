/**
 * One DynamoDB table. Reads are strongly consistent, but for indexes, which never are. Attributes are
 * named by placeholders in every expression: hundreds of plain words (`role`, `user`, `body`) are
 * reserved there.
 */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type QueryCommandInput,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { RootwardError } from "../../error.ts";
import { RECORD_RETENTION } from "../../state/tokens.ts";
import { TIME_TO_LIVE } from "./tables.ts";

export type Item = Readonly<Record<string, AttributeValue>>;

export class Table {
  readonly client: DynamoDBClient;
  readonly name: string;

  constructor(client: DynamoDBClient, name: string) {
    this.client = client;
    this.name = name;
  }

  async get(key: Item): Promise<Item | null> {
    const { Item: item } = await this.client.send(
      new GetItemCommand({ TableName: this.name, Key: key, ConsistentRead: true }),
    );
    return item ?? null;
  }

  /**
   * Stores an item unless there is one with its key.
   *
   * @param keyName the name of the partition key
   * @returns false where there is one; after an answer that was lost, it may be this very one
   */
  async putIfAbsent(item: Item, keyName = "pk"): Promise<boolean> {
    return conditional(this.client.send(this.putAbsentCommand(item, keyName)));
  }

  putAbsentCommand(item: Item, keyName = "pk"): PutItemCommand {
    return new PutItemCommand({
      TableName: this.name,
      Item: item,
      ConditionExpression: "attribute_not_exists(#key)",
      ExpressionAttributeNames: { "#key": keyName },
    });
  }

  /** A conditional update. @returns whether its condition held */
  updateIf(input: Omit<UpdateItemCommandInput, "TableName">): Promise<boolean> {
    const command = new UpdateItemCommand({ ...input, TableName: this.name });
    return conditional(this.client.send(command));
  }

  async delete(key: Item): Promise<void> {
    await this.client.send(new DeleteItemCommand({ TableName: this.name, Key: key }));
  }

  /** Up to `limit` items, over as many pages as it takes: a page ends after one megabyte. */
  async query(
    input: Omit<QueryCommandInput, "TableName" | "Limit">,
    limit = Infinity,
  ): Promise<readonly Item[]> {
    const items: Item[] = [];
    let start: Record<string, AttributeValue> | undefined;
    do {
      const page = await this.client.send(
        new QueryCommand({
          ...input,
          TableName: this.name,
          ...(limit < Infinity && { Limit: limit - items.length }),
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      items.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start !== undefined && items.length < limit);
    return items;
  }
}

/** @returns false where the condition of a write did not hold; every other error is thrown as it is */
export async function conditional(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (Error.isError(error) && error.name === "ConditionalCheckFailedException") return false;
    throw error;
  }
}

/**
 * The attribute by which DynamoDB removes an item by itself, once the retention is over, within days. Items
 * that it has not removed yet are read like the rest, so no code may rely on the removal.
 *
 * @param end when the item is of no more use; milliseconds since 1970
 */
export function removedAfter(end: number): Item {
  return { [TIME_TO_LIVE]: { N: `${Math.ceil((end + RECORD_RETENTION) / 1000)}` } };
}

/** A version in a sort key: as many digits for each, so that they sort. */
export function paddedVersion(version: number): string {
  return String(version).padStart(10, "0");
}

export function textAttribute(item: Item, name: string): string {
  const value = item[name]?.S;
  if (value === undefined) throw new RootwardError("internal", `attribute ${name}: no text`);
  return value;
}

export function numberAttribute(item: Item, name: string): number {
  const value = Number(item[name]?.N ?? NaN);
  if (!Number.isSafeInteger(value)) {
    throw new RootwardError("internal", `attribute ${name}: no number`);
  }
  return value;
}

export function bytesAttribute(item: Item, name: string): Uint8Array {
  const value = item[name]?.B;
  if (value === undefined) throw new RootwardError("internal", `attribute ${name}: no bytes`);
  return new Uint8Array(value);
}
