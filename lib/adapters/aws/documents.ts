/**
 * Documents as items that a person can read in the console: what the body says of itself stands
 * beside it. They are immutable and put if absent, so everything here may be repeated.
 *
 * An item has at most 400 KB. A document that is longer than 256 KB, or is no text, lies in the
 * object store under its SHA-256, and is there before the item that describes it.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { RootwardError } from "../../error.ts";
import type { DocumentAddress, Place, StoredDocument } from "../../state/documents.ts";
import type { Documents } from "../../service/ports.ts";
import { isSha256, sha256, type Sha256 } from "../../tuf/bytes.ts";
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from "../../tuf/json.ts";
import { MAX_ROLE_BYTES } from "../../tuf/role-document.ts";
import { paddedVersion, Table, textAttribute, type Item } from "./table.ts";

const MAX_BODY_BYTES = 256 * 1024;
/** Longer ones say nothing to a reader, and are no name and no time. */
const MAX_LABEL = 200;

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Where long documents lie. */
export interface Objects {
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** @throws Error where there is no such object */
  get(name: string): Promise<Uint8Array>;
}

interface DocumentStores {
  readonly dynamo: DynamoDBClient;
  /** The name of a table laid out as MAIN_TABLE (tables.ts). */
  readonly table: string;
  readonly objects: Objects;
  /** Milliseconds since 1970: when a document was staged, for people. */
  readonly now: () => number;
}

export class DynamoDocuments implements Documents {
  readonly #table: Table;
  readonly #stores: DocumentStores;

  constructor(stores: DocumentStores) {
    this.#table = new Table(stores.dynamo, stores.table);
    this.#stores = stores;
  }

  async put({ address, bytes }: StoredDocument): Promise<void> {
    const body = bytes.length > MAX_BODY_BYTES ? null : textOf(bytes);
    if (body === null) await this.#stores.objects.put(objectName(address.sha256), bytes);
    await this.#table.putIfAbsent({
      ...documentKey(address),
      ...placeAttributes(address),
      sha256: { S: address.sha256 },
      length: { N: `${bytes.length}` },
      stagedAt: { S: new Date(this.#stores.now()).toISOString() },
      ...labels(bytes),
      ...(body === null ? { object: { S: objectName(address.sha256) } } : { body: { S: body } }),
    });
  }

  async get(address: DocumentAddress): Promise<Uint8Array | null> {
    const item = await this.#table.get(documentKey(address));
    if (item === null) return null;
    const body = item["body"]?.S;
    if (body !== undefined) return new TextEncoder().encode(body);
    return this.#getObject(textAttribute(item, "object"), address.sha256);
  }

  async publish(address: DocumentAddress): Promise<void> {
    await this.#table.putIfAbsent({
      ...publishedKey(address),
      ...placeAttributes(address),
      sha256: { S: address.sha256 },
    });
  }

  async published(place: Place): Promise<Sha256 | null> {
    const item = await this.#table.get(publishedKey(place));
    if (item === null) return null;
    const found = textAttribute(item, "sha256");
    if (!isSha256(found)) throw new RootwardError("internal", "a published record is damaged");
    return found;
  }

  /** The item says that the object is there, so its absence is damage, not an answer. */
  async #getObject(name: string, expected: Sha256): Promise<Uint8Array> {
    const bytes = await this.#stores.objects.get(name);
    if (sha256(bytes) === expected) return bytes;
    throw new RootwardError("internal", `object ${name}: expected the document of that SHA-256`);
  }
}

function objectName(hash: Sha256): string {
  return `documents/${hash}`;
}

function documentKey(address: DocumentAddress): Item {
  return key(address, `document#${placeText(address)}#${address.sha256}`);
}

function publishedKey(place: Place): Item {
  return key(place, `published#${placeText(place)}`);
}

function key({ factory }: Place, sk: string): Item {
  return { pk: { S: `factory#${factory}` }, sk: { S: sk } };
}

function placeText({ instance, channel, role, version }: Place): string {
  return `${instance ?? "log"}#${channel}#${role}#${paddedVersion(version)}`;
}

function placeAttributes({ factory, channel, role, version }: Place): Item {
  return {
    factory: { S: factory },
    channel: { S: channel },
    role: { S: role },
    version: { N: `${version}` },
  };
}

/** The facts that a document states: its expiry, and in a root its submitter. */
function labels(bytes: Uint8Array): Item {
  const signed = member(readObject(bytes), "signed");
  const expires = member(signed, "expires");
  const submittedBy = member(member(signed, "x-changelog"), "polis-id");
  return { ...label("expires", expires), ...label("submittedBy", submittedBy) };
}

function readObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseJson(bytes, { maxBytes: MAX_ROLE_BYTES });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

function label(name: string, value: JsonValue | undefined): Item {
  return typeof value === "string" && value.length <= MAX_LABEL ? { [name]: { S: value } } : {};
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return text.decode(bytes);
  } catch {
    return null;
  }
}
