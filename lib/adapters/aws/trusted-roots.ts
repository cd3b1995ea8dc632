/**
 * The roots that the records of a signer name. A record has a root's version, SHA-256 and number of parts;
 * the bytes are items of their own, immutable, since a root may be longer than an item. They stay
 * until the instance is forgotten, as roots do everywhere; what a lost race left is named by nothing.
 */
import { RootwardError } from "../../error.ts";
import type { TrustedRoot } from "../../signing/records.ts";
import { concatBytes, sha256 } from "../../tuf/bytes.ts";
import type { Channel } from "../../tuf/dialect.ts";
import { isKeyId, type KeyId } from "../../tuf/keys.ts";
import {
  bytesAttribute,
  numberAttribute,
  paddedVersion,
  textAttribute,
  type Item,
  type Table,
} from "./table.ts";

/** An item has at most 400 KB, names and key included. */
const PART_BYTES = 300_000;

/** The trust in one channel. */
interface Trusted {
  readonly version: number;
  readonly sha256: string;
  readonly parts: number;
  readonly retired: readonly KeyId[];
}

/** @throws RootwardError `internal` for a damaged record */
export function trustedOf(map: Item): Trusted {
  const retired = (map["retired"]?.L ?? []).map(({ S: keyid = "" }) => keyid);
  if (!retired.every(isKeyId)) throw new RootwardError("internal", "a record of trust is damaged");
  return {
    version: numberAttribute(map, "version"),
    sha256: textAttribute(map, "sha256"),
    parts: numberAttribute(map, "parts"),
    retired,
  };
}

export class RootParts {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** @returns what the trust is to say; the bytes are there already */
  async put(instance: Item, channel: Channel, root: TrustedRoot): Promise<Item[string]> {
    const { version, bytes, retired } = root;
    const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
    const trusted = { version, sha256: sha256(bytes), parts, retired };
    for (let part = 0; part < parts; part += 1) {
      const body = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
      const key = { ...instance, sk: { S: partName(channel, trusted, part) } };
      await this.#table.putIfAbsent({ ...key, body: { B: body } });
    }
    return {
      M: {
        version: { N: `${version}` },
        sha256: { S: trusted.sha256 },
        parts: { N: `${parts}` },
        retired: { L: retired.map((keyid) => ({ S: keyid })) },
      },
    };
  }

  /** @throws RootwardError `internal` where the bytes are not those that the trust names */
  async get(instance: Item, channel: Channel, trusted: Trusted): Promise<TrustedRoot> {
    const { version, parts, retired } = trusted;
    const items = await Promise.all(
      Array.from({ length: parts }, (_, part) =>
        this.#table.get({ ...instance, sk: { S: partName(channel, trusted, part) } }),
      ),
    );
    const bytes = concatBytes(...items.map((item) => bytesAttribute(item ?? {}, "body")));
    if (sha256(bytes) === trusted.sha256) return { version, bytes, retired };
    throw new RootwardError("internal", `trusted root ${version} of ${channel} is damaged`);
  }
}

function partName(channel: Channel, { version, sha256 }: Omit<Trusted, "retired">, part: number) {
  return `root#${channel}#${paddedVersion(version)}#${sha256}#${part}`;
}
