/** Two Factories that live through everything that is ever logged, with what nobody else may learn. */
import { expect } from "vitest";
import { decodeEvent, type LoggedEvent } from "../../../lib/state/event.ts";
import { deliveryId, parseLink } from "../../../lib/delivery/link.ts";
import { authorizeFactory } from "../../../lib/service/authorize.ts";
import { takeInitialKey } from "../../../lib/service/delivery/initial-key.ts";
import { readLog } from "../../../lib/service/read.ts";
import { applyUpdate } from "../../../lib/service/root-update/apply.ts";
import { cancelUpdate } from "../../../lib/service/root-update/cancel.ts";
import { makeOnlineKeys } from "../../../lib/service/root-update/make-online-keys.ts";
import { startUpdate } from "../../../lib/service/root-update/start.ts";
import type { Service } from "../../../lib/service/service.ts";
import { runSchedule } from "../../../lib/service/run-schedule.ts";
import { createToken, revokeToken } from "../../../lib/service/tokens.ts";
import { fromBase64Url } from "../../../lib/tuf/bytes.ts";
import { ONLINE_ROLES } from "../../../lib/tuf/dialect.ts";
import { isJsonObject } from "../../../lib/tuf/json.ts";
import {
  bootstrapOf,
  claimAs,
  confirmAs,
  FACTORY,
  openDelivered,
  rebootstrapOf,
  refusal,
} from "../../support/memory-owner.ts";
import { restoreFrom } from "../../support/memory-restore.ts";
import { keyOf, ownerOf, stageRotation } from "../../support/memory-root-update.ts";
import { DAY, HOUR, TestWorld } from "../../support/memory-service.ts";
import { publish } from "../../support/memory-targets.ts";
import { encodings, privateKeyForms } from "../../support/secrets.ts";

const CLAIMANT = "claimant-of-this-very-link";
export const PEOPLE = {
  owner: "owner@example.com",
  provisioner: "pat.pipeline@example.com",
  next: "nina.next@example.com",
  later: "lars.later@example.com",
  user: "uma.user@example.com",
};
export const MESSAGE = "the HSM in Halle fell off its shelf";
export const FILE = "not-yet-announced-product.bin";

export interface Heard {
  /** Every event of the log. */
  readonly events: readonly LoggedEvent[];
  /** What programs were really told. */
  readonly told: readonly string[];
  readonly secrets: readonly Buffer[];
}

export const text = (...words: readonly string[]): Buffer[] =>
  words.map((word) => Buffer.from(word));

async function logOf(world: TestWorld): Promise<readonly LoggedEvent[]> {
  const { service } = world.start();
  const head = world.head(FACTORY);
  if (head === null) throw new Error("no Factory");
  const { events, next } = await readLog(service, head, 1);
  expect(next).toBeNull();
  return events.map((one) => decodeEvent(new TextEncoder().encode(one)));
}

const toldIn = ({ state }: TestWorld) =>
  [...state.announced.values()].map((one) => JSON.stringify(one));

/** By link: delivered, tried by a second person, bootstrapped again for others, never confirmed. */
export async function linked(): Promise<Heard> {
  const world = new TestWorld();
  const process = world.start();
  const { service } = process;
  const provisioner = { id: "pat", email: PEOPLE.provisioner };
  const made = await bootstrapOf(service, "tuf", { provisioner });
  const [link, ownerToken] = [made.delivery.url ?? "", made.ownerToken ?? ""];
  const idHash = world.head(FACTORY)?.delivery.idHash ?? "";
  const wrapped = [...world.state.shares.values()].flatMap((share) => encodings(share));

  const granted = await claimAs(service, link, CLAIMANT);
  expect(await refusal(claimAs(service, link, "somebody-else-with-it"))).toBe("delivery-used");
  const archive = await openDelivered(process, link, granted);
  // The first answer was lost.
  const lost = await confirmAs(service, link, CLAIMANT, archive);
  const confirmed = await confirmAs(service, link, CLAIMANT, archive);
  const ownToken = confirmed.ownerToken ?? "";

  const owner = await authorizeFactory(service, ownToken, "root:update", FACTORY);
  const spec = { user: PEOPLE.user, scopes: ["root:update"], expiresAt: null } as const;
  const minted = await createToken(service, FACTORY, owner, spec);
  await revokeToken(service, FACTORY, owner, minted.id);
  await runSchedule(service);

  const others = { owner: { id: "nina", email: PEOPLE.next }, provisionerEmail: PEOPLE.later };
  const again = await rebootstrapOf(service, {
    ownerToken: ownToken,
    noDeviceExists: true,
    ...others,
  });
  await claimAs(service, again.delivery.url ?? "", CLAIMANT);
  world.advance(2 * HOUR);
  await runSchedule(service);
  world.advance(40 * DAY);
  await runSchedule(service);

  const { secret } = parseLink(link);
  const id = deliveryId(secret);
  const bytes = [
    secret,
    parseLink(again.delivery.url ?? "").secret,
    fromBase64Url(granted.share) ?? new Uint8Array(),
    Buffer.from(id, "hex"),
    Buffer.from(idHash, "hex"),
  ];
  const tokens = [
    ownerToken,
    lost.ownerToken ?? "",
    minted.token,
    ownToken,
    again.ownerToken ?? "",
  ];
  const words = text(link, id, CLAIMANT, granted.archiveUrl, ...tokens);
  const secrets = [...bytes.flatMap((one) => encodings(one)), ...wrapped, ...words];
  return { events: await logOf(world), told: toldIn(world), secrets };
}

/** Without a link: read by its owner, rotated, published, refreshed, and left to expire. */
export async function unlinked(): Promise<Heard> {
  const world = new TestWorld();
  const { service } = world.start();
  await bootstrapOf(service, "tuf", { delivery: "api" });
  const principal = await ownerOf(service);
  const owner = { ...principal, token: { ...principal.token, user: PEOPLE.user } };
  const { sec } = await takeInitialKey(service, FACTORY, owner);
  const { keyval } = sec;
  const key = isJsonObject(keyval) ? keyval["private"] : undefined;
  if (typeof key !== "string") throw new Error("no private key was handed over");

  const started = { factory: FACTORY, principal: owner, message: MESSAGE, firstTime: true };
  const txids = [(await startUpdate(service, started)).txid];
  await cancelUpdate(service, FACTORY, owner);
  txids.push((await startUpdate(service, started)).txid);
  const request = { factory: FACTORY, principal: owner, txid: "", roles: ONLINE_ROLES } as const;
  await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
  await stageRotation(service, keyOf(key));
  const backup = world.copy();
  await applyUpdate(service, FACTORY, "", owner);
  await publish(service, { [FILE]: "1" });
  await passTime(world, service);
  const restored = restoreFrom(world, backup, "service");
  await runSchedule(restored.start().service);
  return {
    events: [...(await logOf(world)), ...(await logOf(restored))],
    told: [...toldIn(world), ...toldIn(restored)],
    secrets: [...privateKeyForms(key), ...text(...txids)],
  };
}

async function passTime(world: TestWorld, service: Service): Promise<void> {
  for (const days of [5, 40, 300]) {
    world.advance(days * DAY);
    await runSchedule(service);
  }
}
