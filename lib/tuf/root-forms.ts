/**
 * How a root is read. Ingestion and the reading of chains that others published are the same code
 * under one explicit policy value; this is that value.
 */
import type { Channel, Dialect } from "./dialect.ts";
import type { KeyId, RootKey } from "./keys.ts";

export interface RootForms {
  readonly dialect: Dialect;
  readonly channel: Channel;
  /**
   * `strict` for what we accept; `lenient` to read chains that others published: fractional
   * seconds and offsets in `expires`, ECDSA keys as hex points, keyids that do not follow from
   * their keys, keys without a role, ota-tuf's extra roles, bad signatures beside enough good ones.
   */
  readonly reading: "strict" | "lenient";
  /** Keys that the root before this one lists; they stay under their ids (rules 11 and 12). */
  readonly trustedKeys?: ReadonlyMap<KeyId, RootKey>;
}
