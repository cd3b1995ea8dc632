/** What a pipeline learns that asks nothing and only hears the events of the account's bus. */
import { expect, test } from "vitest";
import { sha256, toHex } from "../../../lib/tuf/bytes.ts";
import {
  call,
  claim,
  confirm,
  fetchArchive,
  linkParts,
  newClaimant,
  rebootstrap,
} from "../../support/owner.ts";
import type { Installation } from "./installation.ts";

interface Heard {
  readonly factory: string;
  readonly id: string;
  readonly type: string;
  readonly actor: string;
  readonly details: Readonly<Record<string, unknown>>;
}

const FACTORY = "heard";

export function tellEvents(one: Installation): void {
  test("a pipeline follows a delivery by events alone, and none of them has the link", async () => {
    const made = await call(`${one.url}/ota/factories/`, {
      token: one.provisionerToken,
      body: {
        name: FACTORY,
        dialect: "tuf",
        keyType: "ed25519",
        owner: { id: "olga", email: "olga@example.com" },
        provisioner: { email: "pat@example.com" },
      },
    });
    expect(made.status).toBe(201);
    const { url: link } = made.body["delivery"] as { readonly url: string };
    expect(typesHeard(one)).toEqual(["factory-created"]);

    const claimant = newClaimant();
    const granted = await claim(one.url, link, claimant);
    expect((await claim(one.url, link, newClaimant())).status).toBe(410);
    expect(typesHeard(one).slice(1)).toEqual(["delivery-refused"]);

    const archive = await fetchArchive(link, granted);
    expect((await confirm(one.url, link, claimant, archive)).status).toBe(200);
    const [created, , confirmed] = heardOf(one, FACTORY);
    expect(confirmed).toMatchObject({ type: "delivery-confirmed", actor: "link" });
    // What was delivered is what was made, and devices get the root that was announced.
    expect(confirmed?.details["sha256"]).toBe(created?.details["archive"]);
    const root = await one.aws.ask("GET", `/repo/${FACTORY}/main/1.root.json`);
    const served = sha256(new TextEncoder().encode(root.text));
    expect(created?.details["roots"]).toEqual({ main: served });

    const owner = { ownerToken: made.body["ownerToken"], noDeviceExists: true };
    expect((await rebootstrap(one.pipeline, FACTORY, owner)).status).toBe(201);
    const again = heardOf(one, FACTORY).at(-1);
    expect(again).toMatchObject({ type: "factory-bootstrapped-again", details: { wasLive: true } });
    expect(again?.details["replaced"]).toEqual({ main: served });

    const { secret, id } = linkParts(link);
    const text = JSON.stringify(one.aws.events);
    for (const part of [new URL(link).hash.slice(1), toHex(secret), id, claimant]) {
      expect(text).not.toContain(part);
    }
  }, 60_000);

  test("its rules know the installation by its source, and each event by its id", () => {
    const { events, url } = { events: one.aws.events, url: new URL(one.url) };
    expect(new Set(events.map(({ Source }) => Source))).toEqual(new Set([`rootward.${url.host}`]));
    const heard = heardOf(one, FACTORY);
    expect(new Set(heard.map(({ id }) => id)).size).toBe(heard.length);
    for (const { DetailType, Detail } of events) {
      expect(JSON.parse(Detail)).toMatchObject({ type: DetailType });
    }
  });
}

/** What the bus had of a Factory, in order. */
export function heardOf(one: Installation, factory: string): readonly Heard[] {
  return one.aws.events
    .map(({ Detail }) => JSON.parse(Detail) as Heard)
    .filter((heard) => heard.factory === factory);
}

function typesHeard(one: Installation): readonly string[] {
  return heardOf(one, FACTORY).map(({ type }) => type);
}
