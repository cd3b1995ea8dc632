/** An owner at work on a staged root update, past HTTP: with a key in hand and the roots to sign. */
import {
  makeSigningKey,
  signingKeyFromArchive,
  type SigningKey,
} from "../../lib/crypto/signing-key.ts";
import { OWNER_SCOPES } from "../../lib/state/scopes.ts";
import type { Principal } from "../../lib/service/authorize.ts";
import { currentRoot, readHead } from "../../lib/service/store.ts";
import { takeInitialKey } from "../../lib/service/delivery/initial-key.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { reviewUpdate } from "../../lib/service/root-update/review.ts";
import { stageUpdate } from "../../lib/service/root-update/stage.ts";
import { startUpdate } from "../../lib/service/root-update/start.ts";
import type { Service } from "../../lib/service/service.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import {
  channelsOf,
  ONLINE_ROLES,
  rootLimits,
  type Channel,
  type Dialect,
} from "../../lib/tuf/dialect.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../lib/tuf/json.ts";
import { bootstrapOf, FACTORY, known } from "./memory-owner.ts";
import { signRoot } from "./owner.ts";
import { rotatedStaged } from "./staged-rotation.ts";
import type { World } from "./worlds.ts";

/** The owner's token, or another owner's. */
export async function ownerOf(service: Service, id = "test"): Promise<Principal> {
  const { instance } = await readHead(service, FACTORY);
  const principal: Principal = {
    actor: `token:${id}`,
    scope: "root:update",
    token: {
      hash: sha256Text(`token ${id} of ${instance}`),
      id,
      user: id === "test" ? "owner" : id,
      scopes: OWNER_SCOPES,
      bound: { factory: FACTORY, instance },
      expiresAt: null,
    },
  };
  await known(service, principal);
  return principal;
}

/** A live Factory without a link. @returns its first root key, as fioctl would get it */
export async function apiFactory(world: World, dialect: Dialect): Promise<string> {
  const { service } = await world.start();
  await bootstrapOf(service, dialect, { delivery: "api" });
  const { sec } = await takeInitialKey(service, FACTORY, await ownerOf(service));
  const keyval = sec["keyval"];
  const text = isJsonObject(keyval) ? keyval["private"] : undefined;
  if (typeof text !== "string") throw new Error("no private key was handed over");
  return text;
}

export async function start(service: Service, firstTime = false): Promise<string> {
  const principal = await ownerOf(service);
  const request = { factory: FACTORY, principal, message: "test", firstTime };
  return (await startUpdate(service, request)).txid;
}

/** The staged `signed` of a channel, as the review shows it. */
export async function stagedSigned(service: Service, channel: Channel): Promise<JsonObject> {
  const head = await readHead(service, FACTORY);
  const { updated } = await reviewUpdate(service, head);
  const text = updated?.[channel === "prod" ? "prod-root" : "ci-root"] ?? "";
  const body = parseJson(new TextEncoder().encode(text), rootLimits(head.dialect));
  const signed = isJsonObject(body) ? body["signed"] : undefined;
  if (!isJsonObject(signed)) throw new Error(`no ${channel} root is staged`);
  return signed;
}

/** Envelopes of all channels, each made from what is staged there now. */
export async function envelopesOf(
  service: Service,
  change: (signed: JsonObject, channel: Channel) => JsonObject | Promise<JsonObject>,
  signers: readonly SigningKey[],
): Promise<ReadonlyMap<Channel, JsonObject>> {
  const { dialect } = await readHead(service, FACTORY);
  const envelopes = new Map<Channel, JsonObject>();
  for (const channel of channelsOf(dialect)) {
    const signed = await change(await stagedSigned(service, channel), channel);
    const body = parseJson(signRoot(signed, signers, dialect), rootLimits(dialect));
    if (isJsonObject(body)) envelopes.set(channel, body);
  }
  return envelopes;
}

export async function stage(
  service: Service,
  roots: ReadonlyMap<Channel, JsonObject>,
  txid = "",
  by = "test",
): Promise<void> {
  await stageUpdate(service, {
    factory: FACTORY,
    principal: await ownerOf(service, by),
    txid,
    roots,
  });
}

/** Stages the roots in which a new key takes the place of `old`, signed by both. */
export async function stageRotation(service: Service, old: SigningKey): Promise<SigningKey> {
  const next = await makeSigningKey("ed25519");
  const head = await readHead(service, FACTORY);
  const rotated = async (signed: JsonObject, channel: Channel): Promise<JsonObject> => {
    const current = await currentRoot(service, head, channel);
    return rotatedStaged(current, signed, old, next, service.now());
  };
  await stage(service, await envelopesOf(service, rotated, [old, next]));
  return next;
}

/** Signs what is staged, and changes nothing else. */
export async function signStaged(service: Service, signers: readonly SigningKey[]): Promise<void> {
  await stage(service, await envelopesOf(service, (signed) => signed, signers));
}

export function keyOf(text: string): SigningKey {
  return signingKeyFromArchive(text);
}

/** A rotation of the root key, and of the online keys where asked for. @returns the new root key */
export async function rotateRoot(
  service: Service,
  key: SigningKey,
  online = false,
): Promise<SigningKey> {
  const principal = await ownerOf(service);
  await start(service);
  const request = { factory: FACTORY, principal, txid: "", roles: ONLINE_ROLES } as const;
  if (online) await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
  const next = await stageRotation(service, key);
  await applyUpdate(service, FACTORY, "", principal);
  return next;
}
