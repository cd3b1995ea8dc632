/**
 * The messages about an event: one effect for each reader, and another for programs. So a mail that cannot
 * be sent delays no other reader, and no reader gets a message again for another's sake.
 */
import type { JsonObject } from "../tuf/json.ts";
import { READERS, type Effect, type Reader, type MessageEffect } from "./effect.ts";
import type { Head } from "./head.ts";

type People = Pick<Head, "owner" | "provisioner">;

/**
 * @returns the effects for event `seq`: one for each reader who has an address, and one for programs
 */
export function messagesOf(
  seq: number,
  people: People,
  details: JsonObject,
): readonly MessageEffect[] {
  const events = { first: seq, last: seq, count: 1, shared: false };
  const readers = READERS.filter((reader) => addressOf(reader, people, details) !== null);
  return [
    ...readers.map((reader) => ({ kind: "notify" as const, reader, events })),
    { kind: "announce", events },
  ];
}

/** @returns the reader's address as it is now, or null */
export function addressOf(reader: Reader, people: People, details: JsonObject): string | null {
  const addresses = {
    owner: people.owner.email,
    provisioner: people.provisioner?.email,
    "former-owner": details["formerOwner"],
    "former-provisioner": details["formerProvisioner"],
  };
  const address = addresses[reader];
  return typeof address === "string" ? address : null;
}

/**
 * Whether an effect is a message to a former owner or provisioner: it stays right when others follow them.
 */
export function isFarewell(effect: Effect): boolean {
  return effect.kind === "notify" && (effect.reader?.startsWith("former-") ?? false);
}
