/**
 * Online keys wrapped by the key wrapper with Factory, instance, role and keyid as context: a wrapped
 * key that is moved to another's record does not open there.
 */
import { makeSigningKey, signingKeyFromPkcs8 } from "../crypto/signing-key.ts";
import type { FactoryRef, KeyWrapper } from "../service/ports.ts";
import type { OnlineRole } from "../tuf/dialect.ts";
import type { KeyOwner, KeyStore, OnlineKey } from "./key-store.ts";
import { rootKey, type KeyType } from "../tuf/keys.ts";

export class SealedKeys implements KeyStore {
  readonly #wrapper: KeyWrapper;

  constructor(wrapper: KeyWrapper) {
    this.#wrapper = wrapper;
  }

  async make(ref: FactoryRef, role: OnlineRole, type: KeyType) {
    const key = await makeSigningKey(type);
    const { publicKey } = key;
    const { keyid } = rootKey(publicKey, ref.dialect);
    const handle = await this.#wrapper.wrap(key.toPkcs8(), context({ ref, role, keyid }));
    return { publicKey, handle };
  }

  async open(handle: Uint8Array, owner: KeyOwner): Promise<OnlineKey> {
    const key = signingKeyFromPkcs8(await this.#wrapper.unwrap(handle, context(owner)));
    return { publicKey: key.publicKey, sign: async (message) => key.sign(message) };
  }

  /** With its handle the key is gone. */
  async destroy(): Promise<void> {
    // Nothing is kept beside the handle.
  }
}

function context({ ref, role, keyid }: KeyOwner): Record<string, string> {
  return { purpose: "online key", factory: ref.factory, instance: ref.instance, role, keyid };
}
