/** Small heads whose documents are stored, for tests of the stores. */
import type { StoredDocument } from "../../lib/state/documents.ts";
import type { Head } from "../../lib/state/head.ts";
import { decodeEvent } from "../../lib/state/event.ts";
import type { FactoryName, InstanceId } from "../../lib/state/names.ts";
import { DEFAULT_REFRESH } from "../../lib/state/schedule.ts";
import { rolePlace, storedDocument } from "../../lib/state/documents.ts";
import { roleVersion } from "../../lib/state/roles.ts";
import { advance, create, type Change, type Transition } from "../../lib/state/transition.ts";
import type { Announcement, Documents, Heads } from "../../lib/service/ports.ts";
import { sha256Text, toHex } from "../../lib/tuf/bytes.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import type { KeyId } from "../../lib/tuf/keys.ts";
import { random } from "./adapters.ts";

export const NOW = Date.UTC(2026, 0, 15);
const INSTANCE = "1".repeat(32) as InstanceId;
const KEYID = sha256Text("key") as KeyId;

export function factoryName(text: string): FactoryName {
  return text as FactoryName;
}

function moment() {
  const eventId = toHex(random(16));
  return { now: NOW, eventId, actor: "schedule", policy: DEFAULT_REFRESH } as const;
}

export function rootDocument(factory: FactoryName, version: number): StoredDocument {
  const bytes = new TextEncoder().encode(`{"root":${version},"of":"${factory}"}`);
  return storedDocument(rolePlace({ factory, instance: INSTANCE }, "main", "root", version), bytes);
}

/** @param expiresAt of the link, which is what the head is due at */
export function creation(name: string, expiresAt = NOW + 1000): Transition {
  const factory = factoryName(name);
  const root = rootDocument(factory, 1);
  const first = {
    factory,
    instance: INSTANCE,
    dialect: "tuf",
    owner: { id: "owner", email: "owner@example.com" },
    createdWith: null,
    state: "provisioned",
    roles: { main: { root: roleVersion(root, NOW) } },
    onlineKeys: { targets: KEYID, snapshot: KEYID, timestamp: KEYID },
    initialKey: { keyid: KEYID, state: "escrowed" },
    delivery: {
      mode: "link",
      state: "ready",
      idHash: sha256Text("id"),
      sha256: sha256Text("archive"),
      size: 7,
      recipient: null,
      expiresAt,
    },
    provisioner: null,
    retiring: [],
    replaced: [],
    rootUpdate: null,
    applied: null,
    expiryTold: null,
    pending: [],
  } as const;
  return create(first, [root], jsonObject({}), moment());
}

/** The next head after `base`, with `change` to it. */
export function successor(base: Head, change: Partial<Change> = {}): Transition {
  const nothing = { head: {}, type: "effects-done", details: jsonObject({}) } as const;
  return advance(base, { ...nothing, ...change }, moment());
}

/** Stores what a swap needs to find. */
export async function storeDocuments(
  { documents }: { readonly documents: Documents },
  transition: Transition,
): Promise<void> {
  for (const document of transition.documents) await documents.put(document);
  for (const address of transition.superseded) await documents.publish(address);
}

export async function createHead(
  stores: { readonly documents: Documents; readonly heads: Heads },
  transition: Transition,
): Promise<boolean> {
  await storeDocuments(stores, transition);
  return stores.heads.create(transition.head);
}

/** The event of a transition, to be told. */
export function eventIn({ head, documents }: Transition): Announcement {
  const bytes = documents.find(({ address }) => address.sha256 === head.log.sha256)?.bytes;
  return { factory: head.factory, event: decodeEvent(bytes ?? new Uint8Array()) };
}
