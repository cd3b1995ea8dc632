/** `rootward factory show`: the state of a Factory and of its delivery in plain words. */
import * as v from "valibot";
import { unreachable } from "../error.ts";
import type { Client } from "./client.ts";
import type { Terminal } from "./terminal.ts";

const time = v.optional(v.string(), "?");
const link = { mode: v.literal("link"), secondClaimRefusedAt: v.optional(v.string()) };
const role = v.object({ version: v.number(), sha256: v.string(), expires: v.string() });
const stateAnswer = v.object({
  factory: v.string(),
  dialect: v.string(),
  state: v.string(),
  owner: v.object({ id: v.string(), email: v.string() }),
  provisioner: v.nullable(v.object({ id: v.string(), email: v.nullable(v.string()) })),
  roles: v.record(v.string(), v.looseObject({ root: role })),
  delivery: v.variant("state", [
    v.object({ state: v.literal("escrowed"), mode: v.literal("api") }),
    v.object({ state: v.literal("ended"), mode: v.literal("api"), endedAt: time }),
    v.object({ state: v.literal("ready"), ...link, expiresAt: time }),
    v.object({ state: v.literal("claimed"), ...link, claimedAt: time, leaseUntil: time }),
    v.object({
      state: v.literal("confirmed"),
      ...link,
      claimedAt: v.optional(v.string()),
      confirmedAt: time,
    }),
    v.object({
      state: v.literal("expired"),
      ...link,
      claimedAt: v.optional(v.string()),
      expiredAt: time,
    }),
  ]),
  rootUpdate: v.nullable(v.object({ startedBy: v.string(), startedAt: v.string() })),
});
type State = v.InferOutput<typeof stateAnswer>;

export async function factoryShow(client: Client, terminal: Terminal, name: string): Promise<void> {
  const state = await client.getJson(`/ota/factories/${name}/`, stateAnswer);
  const { owner, provisioner, roles, rootUpdate } = state;
  terminal.result(state, [
    `Factory      ${state.factory} (${state.dialect}), ${state.state}`,
    `owner        ${owner.id} <${owner.email}>`,
    ...(provisioner === null ? [] : [`provisioner  ${provisionerWords(provisioner)}`]),
    ...deliveryLines(state),
    ...Object.entries(roles).flatMap(([channel, { root }]) => [
      `root ${channel.padEnd(7)} version ${root.version}, until ${root.expires}`,
      `             SHA-256 ${root.sha256}`,
    ]),
    ...(rootUpdate === null
      ? []
      : [
          `root update  in progress, started by ${rootUpdate.startedBy} at ${rootUpdate.startedAt}`,
        ]),
  ]);
}

function provisionerWords({ id, email }: NonNullable<State["provisioner"]>): string {
  return email === null ? `${id} (no address: nobody is told of the delivery)` : `${id} <${email}>`;
}

function deliveryLines(state: State): readonly string[] {
  const { delivery } = state;
  const refusedAt = "secondClaimRefusedAt" in delivery ? delivery.secondClaimRefusedAt : undefined;
  return [
    `delivery     ${deliveryWords(state)}`,
    ...(refusedAt === undefined
      ? []
      : [
          `             a second person tried the link at ${refusedAt} and was refused: a possible`,
          "             interception. Ask the owner, over another way than mail, who has the archive",
        ]),
    ...(canBeRepeated(state) ? ["             to begin again:", `  ${again(state)}`] : []),
  ];
}

function deliveryWords({ delivery }: State): string {
  switch (delivery.state) {
    case "escrowed":
      return "without a link: the service keeps the first root key until its owner has rotated it";
    case "ended":
      return `without a link: the first root key was rotated out at ${delivery.endedAt}, and destroyed`;
    case "ready":
      return `the link was not used yet; it works until ${delivery.expiresAt}`;
    case "claimed":
      return `claimed at ${delivery.claimedAt}, and not confirmed yet (until ${delivery.leaseUntil})`;
    case "confirmed":
      return delivery.claimedAt === undefined
        ? `its key signed a root by ${delivery.confirmedAt}; the service's copy is destroyed`
        : `confirmed at ${delivery.confirmedAt}; the service's copy is destroyed`;
    case "expired":
      return delivery.claimedAt === undefined
        ? `the link ended unused at ${delivery.expiredAt}; the archive is destroyed`
        : `claimed at ${delivery.claimedAt} and not confirmed by ${delivery.expiredAt}: destroyed on ` +
            "the service; whoever has the file can still confirm it";
    default:
      return unreachable(delivery);
  }
}

function again({ factory, roles }: State): string {
  const [first] = Object.values(roles);
  return `rootward factory rebootstrap ${factory} --replaces ${first?.root.sha256 ?? "SHA-256"}`;
}

/** Where nobody is sure to hold the key. */
function canBeRepeated({ delivery }: State): boolean {
  return delivery.state === "expired" || delivery.state === "claimed" || delivery.state === "ready";
}
