/**
 * The roots of the signing boundary in DynamoDB:
 *
 *   trust     one item for an instance, with the trusted root of each of its channels: all of them
 *             start together or not at all, and each advances from the version that it is at; beside
 *             it the roots that are expected, which the same write drops
 *   past      one item for a channel and version that was trusted, put before the write that
 *             supersedes it, so that it says nothing that was not true
 *   root      the bytes that these name, immutable, put before them (trusted-roots.ts)
 */
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import type { ExpectedRoot, SignerRoots, TrustedRoot } from "../../signing/records.ts";
import { sha256 } from "../../tuf/bytes.ts";
import type { Channel } from "../../tuf/dialect.ts";
import { once } from "./once.ts";
import { conditional, paddedVersion, type Item, type Table } from "./table.ts";
import { trustedOf, RootParts } from "./trusted-roots.ts";

/** How often a change of the trust item is decided anew. */
const MAX_ROUNDS = 10;

export class DynamoSignerRoots implements SignerRoots {
  readonly #table: Table;
  readonly #roots: RootParts;

  constructor(table: Table) {
    this.#table = table;
    this.#roots = new RootParts(table);
  }

  async startTrust(
    ref: FactoryRef,
    roots: readonly { readonly channel: Channel; readonly bytes: Uint8Array }[],
  ): Promise<boolean> {
    // Skip the writes if trust already exists; the conditional put below decides races.
    if ((await this.#trust(ref)) !== null) return false;
    const trust: Record<string, Item[string]> = {};
    for (const { channel, bytes } of roots) {
      const first = { version: 1, bytes, retired: [] };
      trust[channel] = await this.#roots.put(keyOf(ref), channel, first);
    }
    const command = this.#table.putAbsentCommand({ ...keyOf(ref, "trust"), ...trust });
    return conditional(this.#table.client.send(once(command)));
  }

  async trustedRoot(ref: ChannelRef): Promise<TrustedRoot | null> {
    const trust = (await this.#trust(ref))?.[ref.channel]?.M;
    return trust === undefined ? null : this.#read(ref, trust);
  }

  async advanceTrust(ref: ChannelRef, version: number, next: TrustedRoot): Promise<boolean> {
    const before = (await this.#trust(ref))?.[ref.channel];
    if (before?.M === undefined || Number(before.M["version"]?.N) !== version) return false;
    if (next.version <= version) return false;
    await this.#table.putIfAbsent({ ...pastKey(ref, version), root: before });
    const trust = await this.#roots.put(keyOf(ref), ref.channel, next);
    return this.#table.updateIf({
      Key: keyOf(ref, "trust"),
      // Each expected root follows the trusted one, so that none of them is above the next.
      UpdateExpression: "SET #channel = :next REMOVE #expected",
      ConditionExpression: "#channel.#version = :version",
      ExpressionAttributeNames: {
        "#channel": ref.channel,
        "#version": "version",
        "#expected": expectedName(ref),
      },
      ExpressionAttributeValues: { ":next": trust, ":version": { N: `${version}` } },
    });
  }

  async keptRoot(ref: ChannelRef, version: number): Promise<TrustedRoot | null> {
    const past = (await this.#table.get(pastKey(ref, version)))?.["root"]?.M;
    if (past !== undefined) return this.#read(ref, past);
    const trusted = await this.trustedRoot(ref);
    return trusted?.version === version ? trusted : null;
  }

  async keepRoot(ref: ChannelRef, root: TrustedRoot): Promise<void> {
    const trusted = (await this.#trust(ref))?.[ref.channel]?.M?.["version"]?.N;
    if (trusted === undefined || Number(trusted) <= root.version) return;
    const map = await this.#roots.put(keyOf(ref), ref.channel, root);
    await this.#table.putIfAbsent({ ...pastKey(ref, root.version), root: map });
  }

  async expectRoot(ref: ChannelRef, version: number, root: ExpectedRoot): Promise<boolean> {
    const map = await this.#roots.put(keyOf(ref), ref.channel, { ...root, retired: [] });
    const digest = sha256(root.bytes);
    const names = {
      "#channel": ref.channel,
      "#version": "version",
      "#expected": expectedName(ref),
    };
    const values = { ":version": { N: `${version}` } };
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const trust = await this.#trust(ref);
      if (Number(trust?.[ref.channel]?.M?.["version"]?.N) !== version) return false;
      const before = trust?.[expectedName(ref)]?.M;
      // Beside the others where there are some, so that two at once keep each other's.
      const done =
        before === undefined
          ? await this.#table.updateIf({
              Key: keyOf(ref, "trust"),
              UpdateExpression: "SET #expected = :first",
              ConditionExpression:
                "#channel.#version = :version AND attribute_not_exists(#expected)",
              ExpressionAttributeNames: names,
              ExpressionAttributeValues: { ...values, ":first": { M: { [digest]: map } } },
            })
          : await this.#table.updateIf({
              Key: keyOf(ref, "trust"),
              UpdateExpression: "SET #expected.#digest = :root",
              ConditionExpression: "#channel.#version = :version AND attribute_exists(#expected)",
              ExpressionAttributeNames: { ...names, "#digest": digest },
              ExpressionAttributeValues: { ...values, ":root": map },
            });
      if (done) return true;
    }
    return false;
  }

  async expectedRoots(ref: ChannelRef): Promise<readonly ExpectedRoot[]> {
    const maps = Object.values((await this.#trust(ref))?.[expectedName(ref)]?.M ?? {});
    const roots = await Promise.all(maps.map(({ M: map = {} }) => this.#read(ref, map)));
    return roots.map(({ version, bytes }) => ({ version, bytes }));
  }

  #trust(ref: FactoryRef): Promise<Item | null> {
    return this.#table.get(keyOf(ref, "trust"));
  }

  #read(ref: ChannelRef, map: Item): Promise<TrustedRoot> {
    return this.#roots.get(keyOf(ref), ref.channel, trustedOf(map));
  }
}

function expectedName({ channel }: ChannelRef): string {
  return `expected-${channel}`;
}

function pastKey(ref: ChannelRef, version: number) {
  return keyOf(ref, "past", ref.channel, paddedVersion(version));
}

export function instanceKey({ factory, instance }: FactoryRef): string {
  return `instance#${factory}#${instance}`;
}

/** The key of an item of an instance. */
export function keyOf(
  ref: FactoryRef,
  ...parts: readonly string[]
): Record<"pk" | "sk", Item[string]> {
  return { pk: { S: instanceKey(ref) }, sk: { S: parts.join("#") } };
}
