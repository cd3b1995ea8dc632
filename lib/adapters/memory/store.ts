/** Heads, documents, tokens and idempotency keys in memory. */
import type { DocumentAddress, Place, StoredDocument } from "../../state/documents.ts";
import { decodeHead, encodeHead, type Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import type {
  Attempts,
  Documents,
  Heads,
  Requests,
  TokenRecord,
  Tokens,
} from "../../service/ports.ts";
import { sha256, type Sha256 } from "../../tuf/bytes.ts";
import type { Faults } from "./faults.ts";
import { checkCreation, checkSwap } from "./head-rules.ts";
import { addressKey, copyOf, placeKey, type MemoryState } from "./state.ts";

export class MemoryHeads implements Heads {
  readonly #state: MemoryState;
  readonly #faults: Faults;

  constructor(state: MemoryState, faults: Faults) {
    this.#state = state;
    this.#faults = faults;
  }

  async read(factory: FactoryName): Promise<Head | null> {
    return this.#faults.read("heads.read", factory, () => this.#stored(factory));
  }

  async create(head: Head): Promise<boolean> {
    return this.#faults.write("heads.create", head.factory, () => {
      if (this.#state.heads.has(head.factory)) return false;
      checkCreation(head, this.#state);
      this.#state.heads.set(head.factory, encodeHead(head));
      return true;
    });
  }

  async swap(revision: number, next: Head): Promise<boolean> {
    return this.#faults.write("heads.swap", next.factory, () => {
      const base = this.#stored(next.factory);
      if (base?.revision !== revision) return false;
      checkSwap(base, next, this.#state);
      this.#state.heads.set(next.factory, encodeHead(next));
      return true;
    });
  }

  async due(now: number, limit: number): Promise<readonly FactoryName[]> {
    return this.#faults.read("heads.due", "all", () =>
      [...this.#state.heads.values()]
        .map(decodeHead)
        .filter(({ dueAt }) => dueAt <= now)
        .sort((a, b) => a.dueAt - b.dueAt)
        .slice(0, limit)
        .map(({ factory }) => factory),
    );
  }

  #stored(factory: FactoryName): Head | null {
    const text = this.#state.heads.get(factory);
    return text === undefined ? null : decodeHead(text);
  }
}

export class MemoryDocuments implements Documents {
  readonly #state: MemoryState;
  readonly #faults: Faults;

  constructor(state: MemoryState, faults: Faults) {
    this.#state = state;
    this.#faults = faults;
  }

  async put({ address, bytes }: StoredDocument): Promise<void> {
    const key = addressKey(address);
    const { invariants, documents } = this.#state;
    await this.#faults.write("documents.put", address.factory, () => {
      invariants.expect(sha256(bytes) === address.sha256, `${key} has other bytes than its hash`);
      if (!documents.has(key)) documents.set(key, copyOf(bytes));
    });
  }

  async get(address: DocumentAddress): Promise<Uint8Array | null> {
    return this.#faults.read("documents.get", address.factory, () => {
      const bytes = this.#state.documents.get(addressKey(address));
      return bytes === undefined ? null : copyOf(bytes);
    });
  }

  async publish(address: DocumentAddress): Promise<void> {
    await this.#faults.write("documents.publish", address.factory, () => {
      const { published } = this.#state;
      if (!published.has(placeKey(address))) published.set(placeKey(address), address.sha256);
    });
  }

  async published(place: Place): Promise<Sha256 | null> {
    return this.#faults.read(
      "documents.published",
      place.factory,
      () => this.#state.published.get(placeKey(place)) ?? null,
    );
  }
}

export class MemoryTokens implements Tokens, Attempts {
  readonly #state: MemoryState;
  readonly #faults: Faults;

  constructor(state: MemoryState, faults: Faults) {
    this.#state = state;
    this.#faults = faults;
  }

  async put(token: TokenRecord): Promise<void> {
    await this.#faults.write("tokens.put", token.bound?.factory ?? token.id, () => {
      if (!this.#state.tokens.has(token.hash)) this.#state.tokens.set(token.hash, { ...token });
    });
  }

  async find(hash: Sha256): Promise<TokenRecord | null> {
    return this.#faults.read("tokens.find", hash, () => this.#state.tokens.get(hash) ?? null);
  }

  async list(factory: FactoryName): Promise<readonly TokenRecord[]> {
    return this.#faults.read("tokens.list", factory, () =>
      [...this.#state.tokens.values()].filter(({ bound }) => bound?.factory === factory),
    );
  }

  async delete(hash: Sha256): Promise<void> {
    await this.#faults.write("tokens.delete", hash, () => {
      this.#state.tokens.delete(hash);
    });
  }

  async unnamed(): Promise<readonly TokenRecord[]> {
    return this.#faults.read("attempts.unnamed", "all", () =>
      [...this.#state.tokens.values()].filter(({ scopes, bound }) => {
        if (bound === null || !scopes.includes("delivery")) return false;
        const head = this.#state.heads.get(bound.factory);
        return head === undefined || decodeHead(head).instance !== bound.instance;
      }),
    );
  }

  async removeExpired(before: number): Promise<void> {
    const expired = [...this.#state.tokens.values()].filter(
      ({ expiresAt }) => expiresAt !== null && expiresAt < before,
    );
    for (const { hash } of expired) await this.delete(hash);
  }
}

export class MemoryRequests implements Requests {
  readonly #state: MemoryState;
  readonly #faults: Faults;

  constructor(state: MemoryState, faults: Faults) {
    this.#state = state;
    this.#faults = faults;
  }

  async first(keyHash: Sha256, bodyHash: Sha256, now: number): Promise<Sha256> {
    return this.#faults.write("requests.first", keyHash, () => {
      const stored = this.#state.requests.get(keyHash) ?? { bodyHash, madeAt: now };
      this.#state.requests.set(keyHash, stored);
      return stored.bodyHash;
    });
  }

  async removeOld(before: number): Promise<void> {
    for (const [keyHash, { madeAt }] of this.#state.requests) {
      if (madeAt >= before) continue;
      await this.#faults.write("requests.removeOld", keyHash, () =>
        this.#state.requests.delete(keyHash),
      );
    }
  }
}
