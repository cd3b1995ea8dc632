/** `rootward factory show`: the state of a Factory and of its delivery in plain words. */
import type * as v from "valibot";
import { readFactory } from "../../api/factory-state.ts";
import { unreachable } from "../../error.ts";
import { command, factoryWord, sha256Word } from "../../text/command.ts";
import { column, line, type Line } from "../../text/line.ts";
import { assertAbout, type Client } from "../client.ts";
import type { Terminal } from "../terminal.ts";

type State = v.InferOutput<typeof readFactory.answer>;

export async function factoryShow(client: Client, terminal: Terminal, name: string): Promise<void> {
  const state = await client.call(readFactory, { factory: name });
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
    ? line`${id} (no address: no messages about the delivery)`
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
