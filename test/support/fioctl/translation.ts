/**
 * From a recording to a living Factory: keys, ids, times and the transaction id of the recording become
 * those of the Factory. They are learned from its answers, place by place; new keys of the owner are
 * made; times that fioctl wrote keep their distance from the beginning of the story.
 */
import type { KeyObject } from "node:crypto";
import { freshKeyLike, signDocument } from "./fresh-keys.ts";
import { keyidsOf, type RootDocument, type RootSignature } from "./root-document.ts";

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
/** More than a replay and a recording drift apart; milliseconds. */
const TOLERANCE = 600_000;

export class Translation {
  readonly #words = new Map<string, string>();
  /** Of the owners' keys, by recorded id. */
  readonly #signers = new Map<string, KeyObject>();
  /** Times that the service wrote into a root, by the root's version and the recorded time. */
  readonly #times = new Map<string, string>();
  readonly #shift: number;
  #firstKey: KeyObject | null = null;
  #firstKeyid = "";

  /** @param recordedStart when the story was recorded, in milliseconds; `now` is when it begins again */
  constructor(recordedStart: number, now: number) {
    this.#shift = Math.round((now - recordedStart) / 1000) * 1000;
  }

  /** The service handed over the key that signed version 1. */
  takeFirstKey(key: KeyObject): void {
    this.#firstKey = key;
    this.#signers.set(this.#firstKeyid, key);
  }

  learnWord(recorded: string, live: string): void {
    this.#words.set(recorded, live);
  }

  /** @returns whether both roots are the same, but for what is learned here and for signatures */
  learnRoot(recorded: RootDocument, live: RootDocument): boolean {
    for (const role of Object.keys(recorded.signed.roles)) {
      const ids = keyidsOf(live, role);
      for (const [index, id] of keyidsOf(recorded, role).entries()) {
        if (this.#words.has(id)) continue;
        const other = ids[index] ?? "none";
        this.#words.set(id, other);
        const [before, after] = [recorded.signed.keys[id], live.signed.keys[other]];
        if (before !== undefined && after !== undefined) {
          this.#words.set(before.keyval.public, after.keyval.public);
        }
        if (role !== "root" || recorded.signed.version !== 1) continue;
        this.#firstKeyid = id;
        if (this.#firstKey !== null) this.#signers.set(id, this.#firstKey);
      }
    }
    const times = [recorded, live].map(({ signed }) => timesOf(signed));
    for (const [index, time] of (times[0] ?? []).entries()) {
      const own = times[1]?.[index] ?? "";
      // The times of fioctl come back as they were sent; those of the service follow its clock.
      const distance = Math.abs(Date.parse(own) - Date.parse(this.text(time)));
      if (distance < TOLERANCE) this.#times.set(`${recorded.signed.version} ${time}`, own);
    }
    const expected = this.#signed(recorded.signed);
    return JSON.stringify(sorted(expected)) === JSON.stringify(sorted(live.signed));
  }

  /** Makes keys for those of a request that are not known yet. */
  async makeKeys({ signed }: RootDocument): Promise<void> {
    for (const [id, key] of Object.entries(signed.keys)) {
      if (this.#words.has(id)) continue;
      const fresh = await freshKeyLike(id, key);
      this.#words.set(id, fresh.id);
      this.#words.set(key.keyval.public, fresh.publicText);
      this.#signers.set(id, fresh.privateKey);
    }
  }

  /** The document in the words of the Factory, with signatures by the same keys. */
  document({ signatures, signed, ...others }: RootDocument): RootDocument {
    const translated = this.#signed(signed);
    const fresh = signatures.map(({ keyid }): RootSignature => {
      const key = this.#signers.get(keyid);
      if (key === undefined) throw new Error(`nobody here has the private half of key ${keyid}`);
      return signDocument(translated, this.text(keyid), key);
    });
    return { ...others, signatures: fresh, signed: translated };
  }

  #signed(recorded: RootDocument["signed"]): RootDocument["signed"] {
    const translated = this.value(recorded);
    const time = (text: string): string =>
      this.#times.get(`${recorded.version} ${text}`) ?? this.text(text);
    const log = recorded["x-changelog"];
    return {
      ...translated,
      expires: time(recorded.expires),
      ...(log && {
        "x-changelog": { ...this.value(log), timestamp: time(log.timestamp) },
      }),
    };
  }

  text(recorded: string): string {
    return this.#words.get(recorded) ?? this.#moved(recorded);
  }

  #moved(text: string): string {
    const [, seconds, fraction = "", zone = ""] = TIME.exec(text) ?? [];
    if (seconds === undefined) return text;
    const moved = new Date(Date.parse(`${seconds}Z`) + this.#shift).toISOString();
    return `${moved.slice(0, 19)}${fraction}${zone}`;
  }

  /** Every string of a JSON value, names of members included. */
  value<T>(recorded: T): T {
    return this.#translate(recorded) as T;
  }

  #translate(value: unknown): unknown {
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.#translate(one));
    if (typeof value !== "object" || value === null) return value;
    const members = Object.entries(value).map(([name, one]) => [
      this.text(name),
      this.#translate(one),
    ]);
    return Object.fromEntries(members) as unknown;
  }
}

function timesOf({ expires, ...others }: RootDocument["signed"]): readonly string[] {
  return [expires, others["x-changelog"]?.timestamp ?? ""];
}

/** With members in one order, so that text can be compared. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, one]) => [name, sorted(one)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}
