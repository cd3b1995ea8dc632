/**
 * Whoever listens to the events for programs. Two Factories live through everything that is ever logged;
 * of each event, also of those that nobody is told of, what a program would get holds no secret and names
 * no person, in any encoding.
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { EventType } from "../../lib/state/event.ts";
import { announcementOf } from "../../lib/service/messages/announcement.ts";
import { OWNER_SCOPES } from "../../lib/state/scopes.ts";
import { ONLINE_ROLES } from "../../lib/tuf/dialect.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { findIn } from "../support/secrets.ts";
import {
  FILE,
  linked,
  MESSAGE,
  PEOPLE,
  text,
  unlinked,
  type Heard,
} from "./announcements/lives.ts";

let heard: readonly Heard[];
beforeAll(async () => {
  heard = [await linked(), await unlinked()];
});

const events = () => heard.flatMap((one) => one.events);
/** What programs were told, and what they would be told of all else. */
const texts = () => [
  ...heard.flatMap(({ told }) => told),
  ...events().map((event) => JSON.stringify(announcementOf({ factory: FACTORY, event }))),
];
const secrets = () => heard.flatMap((one) => one.secrets);
const people = (): Buffer[] => text(...Object.values(PEOPLE), MESSAGE, FILE);
const found = (contents: readonly string[], needles: readonly Buffer[]) =>
  findIn(
    contents.map((one) => ({ file: one, bytes: Buffer.from(one) })),
    needles,
  );

/** Every type there is: one that is new does not compile until it is here, and then must happen above. */
const TYPES: Readonly<Record<EventType, true>> = {
  "factory-created": true,
  "factory-bootstrapped-again": true,
  "delivery-claimed": true,
  "delivery-refused": true,
  "delivery-confirmed": true,
  "delivery-expired": true,
  "initial-key-read": true,
  "root-update-started": true,
  "root-update-staged": true,
  "online-keys-made": true,
  "root-update-cancelled": true,
  "root-accepted": true,
  "roots-returned": true,
  "key-retired": true,
  "instance-retired": true,
  "token-minted": true,
  "token-revoked": true,
  "owner-token-issued": true,
  "root-expiring": true,
  "metadata-refreshed": true,
  "targets-published": true,
  "effects-done": true,
};

describe("a program that hears of everything", () => {
  test("heard of every type of event", () => {
    expect(new Set(events().map(({ type }) => type))).toEqual(new Set(Object.keys(TYPES)));
    const told = heard.flatMap((one) => one.told).map((one) => JSON.parse(one) as { type: string });
    expect(new Set(told.map(({ type }) => type))).toEqual(
      new Set([
        "factory-created",
        "factory-bootstrapped-again",
        "delivery-refused",
        "delivery-confirmed",
        "delivery-expired",
        "initial-key-read",
        "root-update-started",
        "root-accepted",
        "roots-returned",
        "token-minted",
        "token-revoked",
        "owner-token-issued",
        "root-expiring",
      ]),
    );
  });

  test("gets neither link, T, id, share, claimant, token nor key", () => {
    expect(secrets().length).toBeGreaterThan(40);
    expect(found(texts(), secrets())).toEqual([]);
  });

  test("learns no address, no name and nobody's words", () => {
    expect(found(texts(), people())).toEqual([]);
    expect(texts().filter((one) => one.includes("@"))).toEqual([]);
  });

  test("gets nothing but hashes, ids, times, numbers and the service's own words", () => {
    const strange = texts().flatMap((one) => stringsIn(JSON.parse(one)).filter(isStrange));
    expect(new Set(strange)).toEqual(new Set());
  });

  test("would have found them in the log", () => {
    const logged = events().map((event) => JSON.stringify(event));
    for (const one of people()) {
      // The addresses of now are in the head, and of a provisioner only the former one is logged.
      if (one.includes(PEOPLE.next) || one.includes(PEOPLE.later)) continue;
      expect([String(one), found(logged, [one]).length > 0]).toEqual([String(one), true]);
    }
    expect(found(logged, secrets()).length).toBeGreaterThan(0);
  });
});

function stringsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

const FORMS = [
  /^[0-9a-f]{32}$/,
  /^[0-9a-f]{64}$/,
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  /^token:(?:test|pipeline|[0-9a-f]{32})$/,
];
const WORDS = new Set([
  ...Object.keys(TYPES),
  ...ONLINE_ROLES,
  ...OWNER_SCOPES,
  FACTORY,
  "link",
  "schedule",
  "api",
  "tuf",
  "main",
]);

function isStrange(word: string): boolean {
  return !WORDS.has(word) && !FORMS.some((form) => form.test(word));
}
