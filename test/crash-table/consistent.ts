/** What is true of the stores at every moment, whatever failed: asserted after each row of a table. */
import { expect } from "vitest";
import { namedBy } from "../../lib/adapters/memory/head-rules.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { decodeEvent, verifyLog } from "../../lib/state/event.ts";
import type { Head } from "../../lib/state/head.ts";
import { readLog } from "../../lib/service/read.ts";
import type { Service } from "../../lib/service/service.ts";
import { readVersion } from "../../lib/service/store.ts";
import { isSha256, sha256, type Sha256 } from "../../lib/tuf/bytes.ts";
import { nextInChain, readTrustedRoot } from "../../lib/tuf/chain.ts";
import { channelsOf, ONLINE_ROLES, type Channel, type OnlineRole } from "../../lib/tuf/dialect.ts";
import { isJsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import { isSignedUnder, readRoleDocument, type RoleDocument } from "../../lib/tuf/role-document.ts";
import type { Root } from "../../lib/tuf/root.ts";
import { FACTORY } from "../support/memory-owner.ts";
import type { World } from "../support/worlds.ts";

/** @returns the types of all events, in order; empty where there is no Factory */
export async function expectConsistent(world: World): Promise<readonly string[]> {
  world.assertInvariants();
  const { service } = await world.start();
  const head = await world.head(FACTORY);
  if (head === null) return [];
  for (const address of namedBy(head)) {
    const bytes = await service.documents.get(address);
    expect(bytes === null ? null : sha256(bytes)).toBe(address.sha256);
  }
  for (const channel of channelsOf(head.dialect)) await expectChannel(service, head, channel);
  return expectLog(service, head);
}

async function expectLog(service: Service, head: Head): Promise<readonly string[]> {
  const { events, next } = await readLog(service, head, 1);
  expect(next).toBeNull();
  const bytes = events.map((text) => new TextEncoder().encode(text));
  expect(verifyLog(bytes, null)).toEqual(head.log);
  return bytes.map((event) => decodeEvent(event).type);
}

/** Roles that were verified before: documents are content-addressed and never leave. */
const verified = new Set<string>();

/** What a device does that knows version 1 of the root only. */
async function expectChannel(service: Service, head: Head, channel: Channel): Promise<void> {
  const roles = head.roles[channel];
  const named = JSON.stringify([channel, roles]);
  if (verified.has(named)) return;
  verified.add(named);
  const root = await followChain(service, head, channel);
  if (roles?.timestamp === undefined) return;
  const documents = new Map<OnlineRole, RoleDocument>();
  for (const role of ONLINE_ROLES) {
    const version = roles[role]?.version ?? 0;
    const bytes = await readVersion(service, head, channel, role, version);
    const document = readRoleDocument(bytes, role, head.dialect);
    expect(isSignedUnder(root, document, service.verify)).toBe(true);
    documents.set(role, document);
  }
  const describes = (role: OnlineRole, file: string): unknown =>
    described(documents.get(role)?.signed, file);
  expect(describes("timestamp", "snapshot.json")).toEqual(pinned(roles.snapshot));
  expect(describes("snapshot", "targets.json")).toEqual(pinned(roles.targets));
}

async function followChain(service: Service, head: Head, channel: Channel): Promise<Root> {
  const policy = { dialect: head.dialect, channel, reading: "strict" } as const;
  const bytes = (version: number) => readVersion(service, head, channel, "root", version);
  let root = readTrustedRoot(await bytes(1), policy, verifySignature);
  while (root.version < (head.roles[channel]?.root.version ?? 0)) {
    root = nextInChain(root, await bytes(root.version + 1), policy, verifySignature).root;
  }
  return root;
}

function pinned(role: { version: number; sha256: Sha256 } | undefined) {
  return { version: role?.version, sha256: role?.sha256 };
}

function described(signed: JsonObject | undefined, file: string) {
  const meta = signed?.["meta"];
  const entry = isJsonObject(meta) ? meta[file] : undefined;
  if (!isJsonObject(entry)) return null;
  const { version, hashes } = entry;
  const hash = isJsonObject(hashes) ? hashes["sha256"] : undefined;
  return { version, sha256: typeof hash === "string" && isSha256(hash) ? hash : null };
}
