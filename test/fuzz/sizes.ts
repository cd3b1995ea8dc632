/**
 * Bodies that are meant to cost time: as many parts as fit, or one part as large as fits, up to the
 * body limit and a little over. Each is otherwise a good root, signed, so that it gets as far as it
 * can before something refuses it.
 */
import { concatBytes } from "../../lib/tuf/bytes.ts";
import { rootLimits, type Channel } from "../../lib/tuf/dialect.ts";
import type { JsonObject, JsonValue } from "../../lib/tuf/json.ts";
import { falsePoints } from "./hostile-keys.ts";
import type { Random } from "./random.ts";
import { nextOf, signedBy, type Moment } from "./roots.ts";
import {
  filled,
  hex64,
  keysFor,
  many,
  text,
  withKeyids,
  withMany,
  withSignatures,
  withSigners,
  type Filling,
} from "./size-parts.ts";

type Size = (filling: Filling) => Uint8Array;

const SIZES: readonly Size[] = [
  // Text that never becomes a root.
  ({ room }) => text("[".repeat(room)),
  ({ room }) => text('{"a":'.repeat(room / 5)),
  ({ room }) => text(`"${"\\u0041".repeat((room - 2) / 6)}"`),
  ({ room }) => text("9".repeat(room)),
  ({ room }) => text(`[${"1,".repeat(room / 2 - 1)}1]`),
  ({ room }) => text(`[${"[],".repeat(room / 3 - 1)}[]]`),
  ({ room }) => text(`{${Array.from({ length: room / 10 }, (_, i) => `"${i}":0`).join()}}`),
  ({ room, random }) => random.bytes(Math.min(room, 20_000)),
  // White space around a good root, up to the limit and over it.
  ({ next, body, room }) => {
    const good = body(next);
    return concatBytes(good, text(" ".repeat(Math.max(0, room - good.length))));
  },
  // One large string, plain, of escapes, of signs that are escaped, of what looks like a PEM key.
  (setting) => filled(setting, "x".repeat(setting.room)),
  (setting) => filled(setting, '"\\'.repeat(setting.room / 4)),
  (setting) => filled(setting, "\n".repeat(setting.room / 2)),
  (setting) => filled(setting, `${"x".repeat(setting.room)}\u00e9`),
  (setting) => filled(setting, `-----BEGIN ${"A ".repeat(setting.room / 2)}`),
  (setting) => filled(setting, "-----BEGIN A ".repeat(setting.room / 13)),
  (setting) => filled(setting, "1".repeat(setting.room)),
  // Many members and items; the names differ at their end only, which makes sorting slow.
  (setting) =>
    filled(
      setting,
      many(setting.room, 12, (i) => [`a${i}`, 0]),
    ),
  (setting) =>
    filled(
      setting,
      many(setting.room, 210, (i) => ["n".repeat(200) + i, 0]),
    ),
  (setting) =>
    filled(
      setting,
      many(setting.room, 4100, (i) => ["n".repeat(4090) + i, 0]),
    ),
  (setting) =>
    filled(
      setting,
      many(setting.room, 90, (i) => [hex64(i), "owner"]),
    ),
  (setting) =>
    filled(
      setting,
      Array.from({ length: setting.room / 2 }, () => 0),
    ),
  (setting) =>
    filled(
      setting,
      Array.from({ length: setting.room / 5 }, () => "ab"),
    ),
  (setting) =>
    filled(
      setting,
      Array.from({ length: setting.room / 60 }, () => deep(28)),
    ),
  // Many keys and keyids: known, unknown, upper-case, unused, malformed.
  (setting) =>
    withMany(
      setting,
      "keys",
      many(setting.room, 70, (i) => [hex64(i), 0]),
    ),
  (setting) =>
    withMany(
      setting,
      "keys",
      many(setting.room, 12, (i) => [`k${i}`, 0]),
    ),
  (setting) => withMany(setting, "keys", keysFor(setting, "ed25519", setting.room)),
  (setting) => withMany(setting, "keys", keysFor(setting, "rsa8192", setting.room)),
  (setting) => withMany(setting, "keys", keysFor(setting, "p256", 100_000)),
  (setting) =>
    withMany(setting, "keys", falsePoints(setting.random, setting.moment.dialect, setting.room)),
  (setting) =>
    withMany(
      setting,
      "roles",
      many(setting.room, 45, (i) => [`r${i}`, { keyids: [], threshold: 1 }]),
    ),
  (setting) =>
    withKeyids(
      setting,
      Array.from({ length: setting.room / 67 }, (_, i) => hex64(i)),
    ),
  (setting) =>
    withKeyids(
      setting,
      Array.from({ length: setting.room / 67 }, () => hex64(1)),
    ),
  (setting) =>
    withKeyids(
      setting,
      Array.from({ length: setting.room / 3 }, () => ""),
    ),
  // Root keys as costly as can be, each with a signature to be checked.
  (setting) => withSigners(setting, keysFor(setting, "ed25519", 14_000)),
  (setting) => withSigners(setting, keysFor(setting, "rsa4096", 62_000), 512),
  (setting) => withSigners(setting, keysFor(setting, "rsa8192", 105_000), 1024),
  (setting) => withSigners(setting, keysFor(setting, "p256", 25_000)),
  // Many signatures, and large ones.
  (setting) =>
    withSignatures(setting, (i) => ({ keyid: hex64(i), method: "ed25519", sig: "" }), 110),
  (setting) => withSignatures(setting, () => ({}), 3),
  (setting) =>
    withSignatures(
      setting,
      (i) => ({ keyid: hex64(i), method: "x", sig: "00".repeat(2000) }),
      4120,
    ),
  (setting) =>
    withSignatures(
      setting,
      (i) => ({ keyid: hex64(i), method: "x", sig: "A".repeat(setting.room) }),
      setting.room,
    ),
];

export function sizedBody(moment: Moment, channel: Channel, random: Random): Uint8Array {
  const limit = rootLimits(moment.dialect).maxBytes;
  const size = random.pick([
    10_000,
    limit / 8,
    limit / 2,
    limit / 2,
    limit,
    limit,
    limit,
    limit + 1,
  ]);
  const next = nextOf(moment, channel);
  const body = (signed: JsonObject): Uint8Array =>
    text(JSON.stringify(signedBy(moment, channel, signed)));
  const full = size > limit;
  // Room for the rest of the root and its signatures.
  const room = full ? size : Math.max(1000, Math.floor(size - JSON.stringify(next).length - 4000));
  const sized = random.pick(SIZES)({ moment, channel, random, room, next, body });
  if (!full || sized.length > limit) return sized;
  return concatBytes(sized, text(" ".repeat(limit + 1 - sized.length)));
}

function deep(depth: number): JsonValue {
  return depth === 0 ? 0 : [deep(depth - 1)];
}
