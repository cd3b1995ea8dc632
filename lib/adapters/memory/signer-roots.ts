/** The roots of the signing boundary in memory. */
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import type { ExpectedRoot, SignerRoots, TrustedRoot } from "../../signing/records.ts";
import { sha256 } from "../../tuf/bytes.ts";
import type { Channel } from "../../tuf/dialect.ts";
import type { Faults } from "./faults.ts";
import { copyOf, type MemoryState } from "./state.ts";

export class MemorySignerRoots implements SignerRoots {
  readonly #records: MemoryState["signer"];
  readonly #faults: Faults;

  constructor({ signer }: MemoryState, faults: Faults) {
    this.#records = signer;
    this.#faults = faults;
  }

  async startTrust(
    ref: FactoryRef,
    first: readonly { readonly channel: Channel; readonly bytes: Uint8Array }[],
  ): Promise<boolean> {
    return this.#faults.write("signer.startTrust", ref.factory, () => {
      const { roots } = this.#records;
      if ([...roots.keys()].some((name) => name.startsWith(`${nameOf(ref)} `))) return false;
      for (const { channel, bytes } of first) {
        roots.set(nameOf(ref, channel), { version: 1, bytes: copyOf(bytes), retired: [] });
      }
      return true;
    });
  }

  async trustedRoot(ref: ChannelRef): Promise<TrustedRoot | null> {
    return this.#faults.read("signer.trustedRoot", ref.factory, () =>
      copied(this.#records.roots.get(nameOf(ref, ref.channel))),
    );
  }

  async advanceTrust(ref: ChannelRef, version: number, next: TrustedRoot): Promise<boolean> {
    return this.#faults.write("signer.advanceTrust", ref.factory, () => {
      const { roots, kept, expected } = this.#records;
      const name = nameOf(ref, ref.channel);
      const before = roots.get(name);
      if (before?.version !== version || next.version <= version) return false;
      kept.set(`${name} ${version}`, before);
      roots.set(name, { ...next, bytes: copyOf(next.bytes) });
      for (const [one, { version: old }] of expected) {
        if (one.startsWith(`${name} `) && old <= next.version) expected.delete(one);
      }
      return true;
    });
  }

  async keptRoot(ref: ChannelRef, version: number): Promise<TrustedRoot | null> {
    return this.#faults.read("signer.keptRoot", ref.factory, () => {
      const { roots, kept } = this.#records;
      const name = nameOf(ref, ref.channel);
      const trusted = roots.get(name);
      return copied(trusted?.version === version ? trusted : kept.get(`${name} ${version}`));
    });
  }

  async keepRoot(ref: ChannelRef, root: TrustedRoot): Promise<void> {
    await this.#faults.write("signer.keepRoot", ref.factory, () => {
      const { roots, kept } = this.#records;
      const name = nameOf(ref, ref.channel);
      const place = `${name} ${root.version}`;
      const below = root.version < (roots.get(name)?.version ?? 0);
      if (below && !kept.has(place)) kept.set(place, { ...root, bytes: copyOf(root.bytes) });
    });
  }

  async expectRoot(ref: ChannelRef, version: number, root: ExpectedRoot): Promise<boolean> {
    return this.#faults.write("signer.expectRoot", ref.factory, () => {
      const { roots, expected } = this.#records;
      const name = nameOf(ref, ref.channel);
      if (roots.get(name)?.version !== version) return false;
      const place = `${name} ${root.version} ${sha256(root.bytes)}`;
      expected.set(place, { version: root.version, bytes: copyOf(root.bytes) });
      return true;
    });
  }

  async expectedRoots(ref: ChannelRef): Promise<readonly ExpectedRoot[]> {
    return this.#faults.read("signer.expectedRoots", ref.factory, () =>
      [...this.#records.expected]
        .filter(([name]) => name.startsWith(`${nameOf(ref, ref.channel)} `))
        .map(([, { version, bytes }]) => ({ version, bytes: copyOf(bytes) })),
    );
  }
}

/** Words that hold no space, so that a name never begins another's. */
export function nameOf({ factory, instance }: FactoryRef, ...rest: readonly string[]): string {
  return [factory, instance, ...rest].join(" ");
}

function copied(root: TrustedRoot | undefined): TrustedRoot | null {
  return root === undefined ? null : { ...root, bytes: copyOf(root.bytes) };
}
