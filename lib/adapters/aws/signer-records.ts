/**
 * The signing boundary's own records in DynamoDB: what finds a key, never the key. Every change that
 * decides something is one conditional write of one item, as for heads:
 *
 *   key       one item each, put if absent
 *   trust, past and root   the roots (signer-roots.ts)
 *   version   one item for each channel and role, with what was signed last (role-items.ts)
 *   ceiling   one item for an instance, which an operator writes (docs/runbook.md)
 *
 * Unlike a swap, `takeVersion` and `advanceTrust` may be repeated by the SDK: a `false` for what was
 * applied costs a version number, or another look at the trust, and never signs anything twice.
 */
import { PutItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { RootwardError } from "../../error.ts";
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import { KEY_KINDS } from "../../signing/key-store.ts";
import type { KeyRecord, SignerRecords } from "../../signing/records.ts";
import type { Ceiling, RoleRecord } from "../../signing/role-record.ts";
import { ONLINE_ROLES, type OnlineRole } from "../../tuf/dialect.ts";
import { isKeyId, type KeyId } from "../../tuf/keys.ts";
import { attributesOf, recordOf } from "./role-items.ts";
import { DynamoSignerRoots, instanceKey, keyOf } from "./signer-roots.ts";
import {
  bytesAttribute,
  conditional,
  numberAttribute,
  Table,
  textAttribute,
  type Item,
} from "./table.ts";

export class DynamoSignerRecords extends DynamoSignerRoots implements SignerRecords {
  readonly #table: Table;

  /** @param table the name of one laid out as SIGNER_TABLE (tables.ts) */
  constructor(client: DynamoDBClient, table: string) {
    const opened = new Table(client, table);
    super(opened);
    this.#table = opened;
  }

  async putKey(ref: FactoryRef, key: KeyRecord): Promise<void> {
    await this.#table.putIfAbsent({
      ...keyOf(ref, "key", key.role, key.keyid),
      role: { S: key.role },
      keyid: { S: key.keyid },
      kind: { S: key.kind },
      handle: { B: key.handle },
      madeAt: { N: `${key.madeAt}` },
    });
  }

  async key(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<KeyRecord | null> {
    const item = await this.#table.get(keyOf(ref, "key", role, keyid));
    return item === null ? null : keyRecord(item);
  }

  async keys(ref: FactoryRef): Promise<readonly KeyRecord[]> {
    return (await this.#items(ref, "key#")).map(keyRecord);
  }

  async removeKey(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<void> {
    await this.#table.delete(keyOf(ref, "key", role, keyid));
  }

  async lastSigned(ref: ChannelRef, role: OnlineRole): Promise<RoleRecord | null> {
    const item = await this.#table.get(keyOf(ref, "version", ref.channel, role));
    return item === null ? null : recordOf(item);
  }

  async takeVersion(
    ref: ChannelRef,
    role: OnlineRole,
    before: number,
    next: RoleRecord,
  ): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: this.#table.name,
      Item: { ...keyOf(ref, "version", ref.channel, role), ...attributesOf(next) },
      ConditionExpression: before === 0 ? "attribute_not_exists(#version)" : "#version = :before",
      ExpressionAttributeNames: { "#version": "version" },
      ...(before > 0 && { ExpressionAttributeValues: { ":before": { N: `${before}` } } }),
    });
    return conditional(this.#table.client.send(command));
  }

  async ceiling(ref: FactoryRef): Promise<Ceiling | null> {
    const item = await this.#table.get(keyOf(ref, "ceiling"));
    if (item === null) return null;
    return { version: numberAttribute(item, "version"), since: numberAttribute(item, "since") };
  }

  /**
   * Items sort as they must go: keys first, the numbers of versions last. Where it is cut off, nothing
   * signs under numbers that are forgotten.
   */
  async forget(ref: FactoryRef): Promise<void> {
    for (const { pk, sk } of await this.#items(ref, "")) {
      if (pk !== undefined && sk !== undefined) await this.#table.delete({ pk, sk });
    }
  }

  /** Those of an instance whose sort key begins with `prefix`, in their order. */
  #items(ref: FactoryRef, prefix: string): Promise<readonly Item[]> {
    const starts = prefix !== "";
    return this.#table.query({
      ConsistentRead: true,
      KeyConditionExpression: `#pk = :pk${starts ? " AND begins_with(#sk, :prefix)" : ""}`,
      ExpressionAttributeNames: { "#pk": "pk", ...(starts && { "#sk": "sk" }) },
      ExpressionAttributeValues: {
        ":pk": { S: instanceKey(ref) },
        ...(starts && { ":prefix": { S: prefix } }),
      },
    });
  }
}

function keyRecord(item: Item): KeyRecord {
  const role = ONLINE_ROLES.find((name) => name === item["role"]?.S);
  const kind = KEY_KINDS.find((name) => name === item["kind"]?.S);
  const keyid = textAttribute(item, "keyid");
  if (role === undefined || kind === undefined || !isKeyId(keyid)) {
    throw new RootwardError("internal", "a record of an online key is damaged");
  }
  const madeAt = numberAttribute(item, "madeAt");
  return { role, keyid, kind, handle: bytesAttribute(item, "handle"), madeAt };
}
