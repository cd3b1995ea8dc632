/**
 * Devices of both channels with a verifier of their own: one that polls before the story and after it,
 * and one that polls after it alone. Both must end at the newest root and at what is served.
 */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Factory } from "../../test/support/fioctl/factory.ts";
import type { ForeignClient } from "../fleet/foreign-client.ts";

const CHANNELS = ["ci", "prod"] as const;

export class Devices {
  readonly #client: ForeignClient;
  readonly #factory: string;
  readonly #folder: string;
  /** Version 1 of each channel, which devices are built with. */
  readonly #roots: ReadonlyMap<string, Uint8Array>;

  private constructor(
    client: ForeignClient,
    factory: string,
    folder: string,
    roots: ReadonlyMap<string, Uint8Array>,
  ) {
    this.#client = client;
    this.#factory = factory;
    this.#folder = folder;
    this.#roots = roots;
  }

  static async build(client: ForeignClient, { host, name }: Factory, folder: string) {
    const roots = new Map<string, Uint8Array>();
    for (const channel of CHANNELS) {
      roots.set(channel, await fetchBytes(`${host.url}/repo/${name}/${channel}/1.root.json`));
    }
    const devices = new Devices(client, name, folder, roots);
    for (const channel of CHANNELS) await devices.#poll(host.url, channel, "old");
    return devices;
  }

  /** @returns what is wrong with them */
  async follow(url: string, version: number): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const channel of CHANNELS) {
      const root = await fetchBytes(`${url}/repo/${this.#factory}/${channel}/root.json`);
      const sha256 = createHash("sha256").update(root).digest("hex");
      for (const device of ["old", "new"]) {
        const { held, refusal } = await this.#poll(url, channel, device);
        const where = `${device} device of ${channel}`;
        if (refusal !== null) problems.push(`${where}: ${refusal.says}`);
        if (held.root?.version !== version || held.root.sha256 !== sha256) {
          problems.push(`${where}: root ${held.root?.version ?? "none"} instead of ${version}`);
        }
        if (channel === "ci" && held.targets === null) problems.push(`${where}: no targets`);
      }
    }
    return problems;
  }

  async #poll(url: string, channel: string, device: string) {
    const folder = join(this.#folder, "devices", channel, device);
    mkdirSync(folder, { recursive: true });
    const root = this.#roots.get(channel) ?? new Uint8Array();
    return this.#client.poll({ folder, url: `${url}/repo/${this.#factory}/${channel}`, root });
  }
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`GET ${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
