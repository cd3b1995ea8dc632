/**
 * `rootward root show|history|verify`: what the fleet trusts, read from the service. `show` and
 * `history` verify the chain on the way; `verify` also checks that the online roles verify under the
 * newest root, that the audit log is unbroken, and that both tell the same story.
 */
import { readMetadata } from "../../api/devices.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { RootwardError } from "../../error.ts";
import { sha256 } from "../../tuf/bytes.ts";
import { readTrustedRoot, strictPolicy } from "../../tuf/chain.ts";
import { channelsOf, ONLINE_ROLES, type Channel, type Dialect } from "../../tuf/dialect.ts";
import { formatTime } from "../../tuf/expires.ts";
import { isSignedUnder, readRoleDocument } from "../../tuf/role-document.ts";
import type { Root } from "../../tuf/root.ts";
import { column, line, listed, type Line } from "../../text/line.ts";
import { clockDoubts } from "../keys/clock.ts";
import type { Client } from "../client.ts";
import {
  assertSameStory,
  findRoot,
  followRemote,
  readRemoteLog,
  readState,
  type Chain,
  type VerifiedRoot,
} from "./remote-chain.ts";
import type { Terminal } from "../terminal.ts";

export interface RootOptions {
  readonly factory: string;
  /** All channels of the Factory unless given. */
  readonly channel: string | undefined;
}

export interface VerifyOptions extends RootOptions {
  /** Devices have a host of their own, so that nothing can be said of what they read. */
  readonly devicesElsewhere: boolean;
}

export async function rootShow(
  client: Client,
  terminal: Terminal,
  options: RootOptions,
): Promise<void> {
  const { chains, state } = await readChains(client, terminal, options);
  const shown = [...chains].map(([channel, chain]) => ({ channel, ...describe(newest(chain)) }));
  terminal.result(
    { factory: options.factory, state: state.state, roots: shown },
    shown.flatMap((root) => [
      line`${options.factory} ${root.channel}: root version ${root.version}, until ${root.expires}`,
      ...Object.entries(root.roles).map(
        ([role, { threshold, keyids }]) =>
          line`  ${column(role, 9)} ${threshold} of ${keyids.length}: ${listed(keyids)}`,
      ),
    ]),
  );
}

export async function rootHistory(
  client: Client,
  terminal: Terminal,
  options: RootOptions,
): Promise<void> {
  const { chains } = await readChains(client, terminal, options);
  const history = [...chains].map(([channel, chain]) => ({
    channel,
    roots: chain.map((item) => ({ ...describe(item), changelog: changelog(item.root) })),
  }));
  terminal.result(
    { factory: options.factory, history },
    history.flatMap(({ channel, roots }) => [
      line`${options.factory} ${channel}`,
      ...roots.map(({ version, expires, roles, changelog: why }) => {
        const keyids = listed(roles.root.keyids.map((keyid) => keyid.slice(0, 12)));
        return line`  version ${column(version, 4)}  until ${expires}  root keys ${keyids}  ${why}`;
      }),
    ]),
  );
}

export async function rootVerify(
  client: Client,
  terminal: Terminal,
  options: VerifyOptions,
): Promise<void> {
  const { chains, state } = await readChains(client, terminal, options);
  const log = await terminal.step(line`verifying the audit log`, () =>
    readRemoteLog(client, options.factory, null),
  );
  await terminal.step(line`comparing log and chain`, async () =>
    assertSameStory(log.events, chains),
  );
  const roles: string[] = [];
  if (state.state === "live" && !options.devicesElsewhere) {
    for (const [channel, chain] of chains) {
      const signed = await terminal.step(line`verifying the online roles of ${channel}`, () =>
        verifyOnlineRoles(client, options.factory, state.dialect, channel, newest(chain).root),
      );
      roles.push(...signed);
    }
  }
  const versions = [...chains].map(
    ([channel, chain]) => line`${channel} 1 to ${newest(chain).root.version}`,
  );
  const channels = Object.fromEntries(
    [...chains].map(([channel, chain]) => [channel, newest(chain).root.version]),
  );
  const checked = options.devicesElsewhere ? null : roles;
  const result = { factory: options.factory, verified: true, channels, roles: checked };
  terminal.result({ ...result, log: log.end }, [
    line`chain        ${listed(versions)}: every step signed by the threshold before it and its own`,
    line`online roles ${onlineRoles(checked, state.state === "live")}`,
    line`audit log    ${log.end.seq} events, unbroken, ending in ${log.end.sha256}`,
  ]);
}

function onlineRoles(checked: readonly string[] | null, live: boolean): Line {
  if (checked === null) return line`not checked: devices have a host of their own`;
  if (checked.length > 0) return listed(checked);
  return live
    ? line`none served: prod has none before its targets are signed`
    : line`not served yet: the Factory is not live`;
}

async function readChains(client: Client, terminal: Terminal, { factory, channel }: RootOptions) {
  const state = await readState(client, factory);
  const all = channelsOf(state.dialect);
  const channels = all.filter((name) => channel === undefined || name === channel);
  if (channels.length === 0) {
    throw new RootwardError("usage", `--channel: expected one of ${all.join(", ")}`);
  }
  const chains = new Map<Channel, Chain>();
  for (const name of channels) {
    const chain = await terminal.step(line`following the chain of ${name} from version 1`, () =>
      readChain(client, factory, state.dialect, name),
    );
    chains.set(name, chain);
  }
  return { chains, state };
}

async function readChain(
  client: Client,
  factory: string,
  dialect: Dialect,
  channel: Channel,
): Promise<Chain> {
  const policy = strictPolicy(dialect, channel);
  const bytes = await findRoot(client, factory, channel, 1);
  if (bytes === null) throw new RootwardError("not-found", `there is no root 1 of ${channel}`);
  const root = readTrustedRoot(bytes, policy, verifySignature);
  if (root.version !== 1) throw new RootwardError("chain-broken", "root 1 says another version");
  return followRemote(client, factory, policy, { root, bytes });
}

async function verifyOnlineRoles(
  client: Client,
  factory: string,
  dialect: Dialect,
  channel: Channel,
  root: Root,
): Promise<readonly string[]> {
  const found: string[] = [];
  const missing: string[] = [];
  for (const role of ONLINE_ROLES) {
    const bytes = await client.find(readMetadata, { factory, channel, file: `${role}.json` });
    if (bytes === null) {
      missing.push(role);
      continue;
    }
    const document = readRoleDocument(bytes, role, dialect);
    if (!isSignedUnder(root, document, verifySignature)) {
      throw new RootwardError("chain-broken", `${channel} ${role} does not verify under its root`);
    }
    const now = Date.now();
    if (document.expires <= now) {
      throw new RootwardError(
        "chain-broken",
        `${channel} ${role} expired at ${formatTime(document.expires)}, by this machine's clock`,
        { errors: clockDoubts(client, { now, newest: null }) },
      );
    }
    found.push(`${channel} ${role} ${document.version}`);
  }
  // A person has to say that this is as it should be: a service that withholds them answers the same.
  if (found.length === 0 && channel !== "prod") {
    throw new RootwardError(
      "not-found",
      `this host serves devices nothing of ${channel}; if they have a host of their own, ` +
        "say --devices-elsewhere, which leaves the online roles unchecked",
    );
  }
  // Prod has none of them until its owner has signed targets.
  if (missing.length > 0 && (channel !== "prod" || found.length > 0)) {
    throw new RootwardError("chain-broken", `${channel} ${missing.join(", ")}: not served`);
  }
  return found;
}

function newest(chain: Chain): VerifiedRoot {
  return chain.at(-1) ?? chain[0];
}

function describe({ root, bytes }: VerifiedRoot) {
  const { version, expires, roles } = root;
  return { version, expires: formatTime(expires), sha256: sha256(bytes), roles };
}

function changelog(root: Root): string {
  const value = root.signed["x-changelog"];
  const message =
    typeof value === "object" && value !== null && "message" in value ? value["message"] : "";
  return typeof message === "string" ? message : "";
}
