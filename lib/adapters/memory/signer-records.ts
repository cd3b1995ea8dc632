/** The signing boundary's own records in memory: what finds a key, never the key. */
import type { ChannelRef, FactoryRef } from "../../service/ports.ts";
import type { KeyRecord, SignerRecords } from "../../signing/records.ts";
import type { Ceiling, RoleRecord } from "../../signing/role-record.ts";
import type { OnlineRole } from "../../tuf/dialect.ts";
import type { KeyId } from "../../tuf/keys.ts";
import type { Faults } from "./faults.ts";
import { MemorySignerRoots, nameOf } from "./signer-roots.ts";
import { copyOf, type MemoryState } from "./state.ts";

export class MemorySignerRecords extends MemorySignerRoots implements SignerRecords {
  readonly #records: MemoryState["signer"];
  readonly #faults: Faults;

  constructor(state: MemoryState, faults: Faults) {
    super(state, faults);
    const { signer } = state;
    this.#records = signer;
    this.#faults = faults;
  }

  async putKey(ref: FactoryRef, key: KeyRecord): Promise<void> {
    await this.#faults.write("signer.putKey", ref.factory, () => {
      const { keys } = this.#records;
      const name = nameOf(ref, key.role, key.keyid);
      if (!keys.has(name)) keys.set(name, { ...key, handle: copyOf(key.handle) });
    });
  }

  async key(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<KeyRecord | null> {
    return this.#faults.read("signer.key", ref.factory, () => {
      const key = this.#records.keys.get(nameOf(ref, role, keyid));
      return key === undefined ? null : { ...key, handle: copyOf(key.handle) };
    });
  }

  async keys(ref: FactoryRef): Promise<readonly KeyRecord[]> {
    return this.#faults.read("signer.keys", ref.factory, () =>
      [...this.#records.keys]
        .filter(([name]) => name.startsWith(`${nameOf(ref)} `))
        .map(([, key]) => ({ ...key, handle: copyOf(key.handle) })),
    );
  }

  async removeKey(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<void> {
    await this.#faults.write("signer.removeKey", ref.factory, () => {
      this.#records.keys.delete(nameOf(ref, role, keyid));
    });
  }

  async lastSigned(ref: ChannelRef, role: OnlineRole): Promise<RoleRecord | null> {
    return this.#faults.read("signer.lastSigned", ref.factory, () => this.#last(ref, role));
  }

  async takeVersion(
    ref: ChannelRef,
    role: OnlineRole,
    before: number,
    next: RoleRecord,
  ): Promise<boolean> {
    return this.#faults.write("signer.takeVersion", ref.factory, () => {
      if ((this.#last(ref, role)?.version ?? 0) !== before) return false;
      this.#records.versions.set(nameOf(ref, ref.channel, role), next);
      return true;
    });
  }

  async ceiling(ref: FactoryRef): Promise<Ceiling | null> {
    return this.#faults.read("signer.ceiling", ref.factory, () => {
      return this.#records.ceilings.get(`${nameOf(ref)} `) ?? null;
    });
  }

  async forget(ref: FactoryRef): Promise<void> {
    await this.#faults.write("signer.forget", ref.factory, () => {
      for (const records of Object.values(this.#records)) {
        for (const name of records.keys()) {
          if (name.startsWith(`${nameOf(ref)} `)) records.delete(name);
        }
      }
    });
  }

  #last(ref: ChannelRef, role: OnlineRole): RoleRecord | null {
    return this.#records.versions.get(nameOf(ref, ref.channel, role)) ?? null;
  }
}
