/**
 * Ed25519 keys (rule 13): a canonical point that is not of small order. Under a point of small
 * order the equation holds for messages that nobody signed, and a second encoding would be a second
 * fingerprint of one key.
 */
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { hex, unhex } from "../../support/tuf/der.ts";
import { cofactored, decoded, exact, forge, never, torsion, scalar } from "./ed25519-forge.ts";
import type { Forgery } from "./ed25519-forge.ts";
import { CANONICAL_SMALL, NON_CANONICAL_SMALL, smallName } from "./ed25519-points.ts";
import { flipped, invalid, refused, valid, type EdgeCase, type EdgeGroup } from "./row.ts";

const SMALL = "Ed25519 point of small order";
const ENCODING = "expected the canonical encoding of a point of Ed25519";
const LENGTH = "expected an Ed25519 key of 64 lower-case hex digits";

/** Made without any secret: S is the nonce. */
function nobody(encoding: string): Forgery {
  return forge({ secret: 0n, keyTorsion: decoded(encoding), keyBytes: unhex(encoding) });
}

function underKey(a: Uint8Array): Forgery {
  return { ...forge(), a };
}

/** y = p + `low`, with or without the sign of x. */
function pastP(low: number, sign: boolean): string {
  return `${hex(Uint8Array.of(0xed + low))}${"ff".repeat(30)}${sign ? "ff" : "7f"}`;
}

/**
 * The holder of `secret` may list it with torsion added: that is another key, with another
 * fingerprint, and of large order. It verifies where the torsion cancels out, for one message in as
 * many as its order. No signature is found by anybody else, so rule 13 takes such keys; what is
 * pinned is that the cofactor is not multiplied away, as on devices.
 */
function mixedOrder(multiple: number): readonly EdgeCase[] {
  const keyTorsion = torsion(multiple);
  const part = smallName(keyTorsion);
  return [
    valid(`a part ${part}, where it cancels out`, () => exact(forge({ keyTorsion }))),
    invalid(`a part ${part}, where it is left over`, () =>
      cofactored(forge({ keyTorsion, cancels: false })),
    ),
    valid(`a part ${part}, cancelled by that of R`, () =>
      exact(forge({ keyTorsion, nonceTorsion: torsion(multiple) })),
    ),
  ];
}

export const ED25519_KEYS: readonly EdgeGroup[] = [
  {
    name: "Ed25519, key of small order",
    rows: [
      valid("of large order", () => exact(forge())),
      ...CANONICAL_SMALL.map(([name, encoding]) =>
        refused(name, SMALL, () => exact(nobody(encoding))),
      ),
      ...NON_CANONICAL_SMALL.map(([name, encoding]) =>
        refused(name, ENCODING, () => exact(nobody(encoding))),
      ),
      refused("all zeros", SMALL, () => exact(nobody("00".repeat(32)))),
      refused("the identity, and the signature R the identity, S 0", SMALL, () =>
        exact(forge({ secret: 0n, nonce: 0n })),
      ),
    ],
  },
  { name: "Ed25519, key of mixed order", rows: [1, 2, 4, 7].flatMap(mixedOrder) },
  {
    name: "Ed25519, encoding of the key",
    rows: [
      valid("canonical", () => exact(forge())),
      invalid("the other sign of x: another key", () => {
        const { a } = forge();
        return never(underKey(flipped(a, -1, 0x80)));
      }),
      invalid("y = 3: a key that nobody holds", () => never(underKey(scalar(3n)))),
      refused("y = p + 3", ENCODING, () => never(underKey(unhex(pastP(3, false))))),
      refused("y = p + 3 with a sign", ENCODING, () => never(underKey(unhex(pastP(3, true))))),
      refused("y = p + 18", ENCODING, () => never(underKey(unhex(pastP(18, false))))),
      refused("all ones", ENCODING, () => never(underKey(unhex(pastP(18, true))))),
      refused("y = 2, off the curve", ENCODING, () => never(underKey(scalar(2n)))),
      refused("31 bytes", LENGTH, () => never(underKey(forge().a.subarray(1)))),
      refused("33 bytes", LENGTH, () => never(underKey(concatBytes(forge().a, unhex("00"))))),
    ],
  },
];
