/** The points of small order of Ed25519 in every encoding, canonical (8) and not (6). */
import type { ed25519 } from "@noble/curves/ed25519.js";
import { hex } from "../../support/tuf/der.ts";
import { torsion } from "./ed25519-forge.ts";

const FF = "ff".repeat(30);
const ZEROS = "00".repeat(30);

/** y of p or more, or a sign for x = 0. p is edff...ff7f. */
export const NON_CANONICAL_SMALL = [
  ["y = 1 with a sign for x = 0", `01${ZEROS}80`],
  ["y = p + 1", `ee${FF}7f`],
  ["y = p + 1 with a sign for x = 0", `ee${FF}ff`],
  ["y = p - 1 with a sign for x = 0", `ec${FF}ff`],
  ["y = p", `ed${FF}7f`],
  ["y = p with a sign", `ed${FF}ff`],
] as const;

/** Name and encoding of each: "of order 8, 26e8...". */
export const CANONICAL_SMALL = [0, 1, 2, 3, 4, 5, 6, 7].map(
  (multiple) => [smallName(torsion(multiple)), hex(torsion(multiple).toBytes())] as const,
);

export function smallName(point: typeof ed25519.Point.ZERO): string {
  const order = [1n, 2n, 4n, 8n].find((factor) => point.multiplyUnsafe(factor).is0());
  const bytes = point.toBytes();
  return `of order ${order}, ${hex(bytes.subarray(0, 2))}..${hex(bytes.subarray(31))}`;
}
