/**
 * Whom an event is told to: each reader by an effect of its own, and programs by another. So a mail that
 * cannot be sent keeps nobody else from hearing of an event, and nobody hears of it again and again for
 * another's sake.
 */
import { RootwardError } from "../error.ts";
import type { JsonObject } from "../tuf/json.ts";
import type { Effect, Head } from "./head.ts";
import { stretchOf, type Stretch } from "./waiting-notices.ts";

/** Who is told of an event: each in other words. The former ones where a Factory got others. */
const READERS = ["owner", "provisioner", "former-owner", "former-provisioner"] as const;
export type Reader = (typeof READERS)[number];

type People = Pick<Head, "owner" | "provisioner">;

/** @returns the effects that tell of event `seq`: of everybody who has an address, and of programs */
export function tellingOf(seq: number, people: People, details: JsonObject): readonly Effect[] {
  const readers = READERS.filter((reader) => addressOf(reader, people, details) !== null);
  return [
    ...readers.map((reader) => ({ kind: "notify" as const, ref: `${seq} ${reader}` })),
    { kind: "announce", ref: `${seq}` },
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
 * What a `notify` effect is about.
 *
 * @returns with all readers for an effect of an earlier version, which named none
 * @throws RootwardError `internal` for a reader that only a later version knows: it waits for that one
 */
export function toldBy(ref: string): {
  readonly stretch: Stretch;
  readonly readers: readonly Reader[];
} {
  const [, name] = ref.split(" ");
  const readers = READERS.filter((one) => name === undefined || one === name);
  if (readers.length > 0) return { stretch: stretchOf(ref), readers };
  throw new RootwardError("internal", `effect names no reader that is known here: ${name}`);
}

/** Whether an effect tells those who are told no more: it stays right whoever comes after them. */
export function isFarewell({ kind, ref }: Effect): boolean {
  return kind === "notify" && ref.includes(" former-");
}
