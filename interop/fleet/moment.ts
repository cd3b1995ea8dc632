/**
 * One channel of a Factory at one moment: what its owner reads there, which is what a device must end at,
 * and every file that a device could fetch. Recorded files can be served again later, by an attacker who
 * wants to deceive a device.
 */
import type { Channel, Role } from "../../lib/tuf/dialect.ts";
import type { Owner } from "../../test/support/cli-owner.ts";
import { call, readRoot } from "../../test/support/owner.ts";
import { NOTHING, POLL_ORDER, type Held, type Holdings } from "./holdings.ts";
import type { Files } from "./mirror.ts";

export interface Moment {
  readonly holdings: Holdings;
  readonly files: Files;
}

/** Where devices of a channel poll. */
export function deviceUrl({ server, factory }: Owner, channel: Channel): string {
  return `${server.url}/repo/${factory}/${channel}`;
}

/**
 * The documents that the head names, by the owner's API, and their signers.
 *
 * @returns null for a role that the channel does not have yet
 */
async function readHoldings(owner: Owner, channel: Channel): Promise<Holdings> {
  const { server, factory, dialect, env } = owner;
  const url = `${server.url}/ota/factories/${factory}/`;
  const { status, body } = await call(url, { token: env.ROOTWARD_TOKEN });
  if (status !== 200) throw new Error(`GET ${url}: ${status}`);
  const { roles, onlineKeys } = body as unknown as State;
  const root = await readRoot(server, factory, dialect, channel);
  const held = Object.entries(roles[channel] ?? {}).map(([role, { version, sha256 }]) => {
    const keyids: readonly string[] =
      role === "root" ? root.roles.root.keyids : [onlineKeys[role] ?? "none"];
    return [role, { version, sha256, keyids: keyids.toSorted() } satisfies Held] as const;
  });
  return { ...NOTHING, ...Object.fromEntries(held) };
}

interface State {
  readonly roles: Readonly<Record<string, Readonly<Record<string, Omit<Held, "keyids">>>>>;
  readonly onlineKeys: Readonly<Record<string, string>>;
}

/**
 * @throws where a role that the head names is not served, or one that it does not name is: a prod
 *   channel whose targets nobody signed has a root, and answers 404 for all else
 */
export async function recordMoment(owner: Owner, channel: Channel): Promise<Moment> {
  const holdings = await readHoldings(owner, channel);
  const files = new Map<string, Uint8Array>();
  for (const role of POLL_ORDER) {
    const version = holdings[role]?.version ?? null;
    for (const file of fileNames(role, version)) {
      const response = await fetch(`${deviceUrl(owner, channel)}/${file}`);
      const expected = version === null ? 404 : 200;
      if (response.status !== expected) {
        const where = `${owner.factory} ${channel} ${file}`;
        throw new Error(`${where}: expected ${expected}, got ${response.status}`);
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.ok) files.set(file, bytes);
    }
  }
  return { holdings, files };
}

/** Under which names devices may ask for a role: all roots from version 1 on, and both of others. */
function fileNames(role: Role, version: number | null): readonly string[] {
  if (role === "timestamp" || version === null) return [`${role}.json`];
  if (role !== "root") return [`${role}.json`, `${version}.${role}.json`];
  return Array.from({ length: version }, (_unused, index) => `${index + 1}.root.json`);
}
