/** `rootward factory show`: the state of a Factory and of its delivery in plain words. */
import * as v from "valibot";
import { unreachable } from "../error.ts";
import { command, factoryWord, sha256Word } from "../text/command.ts";
import * as form from "../text/forms.ts";
import { column, line, type Line } from "../text/line.ts";
import { assertAbout, type Client } from "./client.ts";
import type { Terminal } from "./terminal.ts";

const time = v.optional(form.time, "?");
const link = { mode: v.literal("link"), secondClaimRefusedAt: v.optional(form.time) };
const role = v.object({ version: form.version, sha256: form.sha256Hex, expires: form.time });
/** Whether share and archive are gone. */
const copies = { destroyed: v.optional(v.boolean()) };
const stateAnswer = v.object({
  factory: form.factoryName,
  dialect: form.dialect,
  state: v.picklist(["provisioned", "live"]),
  owner: v.object({ id: form.words, email: form.words }),
  provisioner: v.nullable(v.object({ id: form.words, email: v.nullable(form.words) })),
  roles: v.record(
    form.channel,
    v.object({
      root: role,
      targets: v.optional(role),
      snapshot: v.optional(role),
      timestamp: v.optional(role),
    }),
  ),
  delivery: v.variant("state", [
    v.object({ state: v.literal("escrowed"), mode: v.literal("api") }),
    v.object({ state: v.literal("ended"), mode: v.literal("api"), endedAt: time, ...copies }),
    v.object({ state: v.literal("ready"), ...link, expiresAt: time }),
    v.object({ state: v.literal("claimed"), ...link, claimedAt: time, leaseUntil: time }),
    v.object({
      state: v.literal("confirmed"),
      ...link,
      claimedAt: v.optional(form.time),
      confirmedAt: time,
      ...copies,
    }),
    v.object({
      state: v.literal("expired"),
      ...link,
      claimedAt: v.optional(form.time),
      expiredAt: time,
      ...copies,
    }),
  ]),
  rootUpdate: v.nullable(v.object({ startedBy: form.words, startedAt: form.time })),
});
type State = v.InferOutput<typeof stateAnswer>;

export async function factoryShow(client: Client, terminal: Terminal, name: string): Promise<void> {
  const state = await client.getJson(`/ota/factories/${name}/`, stateAnswer);
  assertAbout(state, name);
  const { owner, provisioner, roles, rootUpdate } = state;
  terminal.result(state, [
    line`Factory      ${state.factory} (${state.dialect}), ${state.state}`,
    line`owner        ${owner.id} <${owner.email}>`,
    ...(provisioner === null ? [] : [line`provisioner  ${provisionerWords(provisioner)}`]),
    ...deliveryLines(state),
    ...Object.entries(roles).flatMap(([channel, { root }]) => [
      line`root ${column(channel, 7)} version ${root.version}, until ${root.expires}`,
      line`             SHA-256 ${root.sha256}`,
    ]),
    ...(rootUpdate === null
      ? []
      : [
          line`root update  in progress, started by ${rootUpdate.startedBy} at ${rootUpdate.startedAt}`,
        ]),
  ]);
}

function provisionerWords({ id, email }: NonNullable<State["provisioner"]>): Line {
  return email === null
    ? line`${id} (no address: nobody is told of the delivery)`
    : line`${id} <${email}>`;
}

function deliveryLines(state: State): readonly Line[] {
  const { delivery } = state;
  const refusedAt = "secondClaimRefusedAt" in delivery ? delivery.secondClaimRefusedAt : undefined;
  return [
    line`delivery     ${deliveryWords(state)}`,
    ...(refusedAt === undefined
      ? []
      : [
          line`             a second person tried the link at ${refusedAt} and was refused: a possible`,
          line`             interception. Ask the owner, over another way than mail, who has the archive`,
        ]),
    ...again(state),
  ];
}

function deliveryWords({ delivery }: State): Line {
  switch (delivery.state) {
    case "escrowed":
      return line`without a link: the service keeps the first root key until its owner has rotated it`;
    case "ended":
      return line`without a link: the first root key was rotated out at ${delivery.endedAt}; ${copy(delivery)}`;
    case "ready":
      return line`the link was not used yet; it works until ${delivery.expiresAt}`;
    case "claimed":
      return line`claimed at ${delivery.claimedAt}, and not confirmed yet (until ${delivery.leaseUntil})`;
    case "confirmed":
      return delivery.claimedAt === undefined
        ? line`its key signed a root by ${delivery.confirmedAt}; ${copy(delivery)}`
        : line`confirmed at ${delivery.confirmedAt}; ${copy(delivery)}`;
    case "expired":
      return delivery.claimedAt === undefined
        ? line`the link ended unused at ${delivery.expiredAt}; ${copy(delivery)}`
        : line`claimed at ${delivery.claimedAt} and not confirmed by ${delivery.expiredAt}; ${copy(delivery)}. Whoever has the file can still confirm it`;
    default:
      return unreachable(delivery);
  }
}

/** An earlier service does not say what became of its copy. */
function copy({ destroyed }: { readonly destroyed?: boolean | undefined }): Line {
  if (destroyed === undefined) return line`the service destroys its copy`;
  return destroyed
    ? line`the service's copy is destroyed`
    : line`the service has not destroyed its copy yet, and tries again every minute`;
}

/** Where nobody is sure to hold the key, how to begin again. */
function again({ factory, roles, delivery }: State): readonly Line[] {
  const { state } = delivery;
  if (state !== "expired" && state !== "claimed" && state !== "ready") return [];
  const [first] = Object.values(roles);
  const digest = first === undefined ? null : sha256Word(first.root.sha256);
  const repeat = command`rootward factory rebootstrap ${factoryWord(factory)} --replaces ${digest}`;
  return repeat === null ? [] : [line`             to begin again:`, line`  ${repeat}`];
}
