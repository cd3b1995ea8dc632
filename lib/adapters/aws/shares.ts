/**
 * Server shares, wrapped, in a table of their own without backups or streams. A deleted item is gone from
 * DynamoDB for everyone who can ask it; we read it back to make sure.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { RootwardError } from "../../error.ts";
import type { Shares } from "../../service/ports.ts";
import type { Sha256 } from "../../tuf/bytes.ts";
import { bytesAttribute, Table, type Item } from "./table.ts";

export class DynamoShares implements Shares {
  readonly #table: Table;

  /** @param table the name of one laid out as SHARES_TABLE (tables.ts) */
  constructor(client: DynamoDBClient, table: string) {
    this.#table = new Table(client, table);
  }

  async put(idHash: Sha256, wrapped: Uint8Array): Promise<void> {
    await this.#table.putIfAbsent({ ...keyOf(idHash), wrapped: { B: wrapped } }, "idHash");
  }

  async get(idHash: Sha256): Promise<Uint8Array | null> {
    const item = await this.#table.get(keyOf(idHash));
    return item === null ? null : bytesAttribute(item, "wrapped");
  }

  async destroy(idHash: Sha256): Promise<void> {
    await this.#table.delete(keyOf(idHash));
    if ((await this.#table.get(keyOf(idHash))) !== null) {
      throw new RootwardError("internal", "a share is still there after it was deleted");
    }
  }
}

function keyOf(idHash: Sha256): Item {
  return { idHash: { S: idHash } };
}
