/**
 * RSA-4096 keys for a double that makes many: each shares a prime with the one before it, so that it
 * takes a third of the time, and is another key all the same. Good for nothing but tests: whoever has
 * two neighbours has their private halves.
 */
import { createPrivateKey, generatePrime, type KeyObject } from "node:crypto";

const E = 65_537n;

/** The two highest bits of a prime are set, so that the product of two has 4096. */
function makePrime(): Promise<bigint> {
  return new Promise((resolve, reject) => {
    generatePrime(2048, { bigint: true }, (error, prime) => {
      if (error) reject(error);
      else resolve(prime);
    });
  });
}

const stock: Promise<bigint>[] = [];
let last: Promise<bigint> | undefined;

/** Makes primes for so many keys beforehand, one after the other: nobody who asks for a key waits. */
export async function stockRsaKeys(count: number): Promise<void> {
  for (let made = 0; made <= count; made += 1) {
    const prime = makePrime();
    stock.push(prime);
    await prime;
  }
}

export async function makeRsaKey(): Promise<KeyObject> {
  const before = last ?? stock.shift() ?? makePrime();
  const own = stock.shift() ?? makePrime();
  last = own;
  const [p, q] = await Promise.all([before, own]);
  const d = inverse(E, (p - 1n) * (q - 1n));
  const parts = { n: p * q, e: E, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const members = Object.entries(parts).map(([name, value]) => [name, base64Url(value)]);
  const key = { kty: "RSA", ...(Object.fromEntries(members) as Record<string, string>) };
  return createPrivateKey({ key, format: "jwk" });
}

/** Of `a` modulo `m`; 1 is their greatest common divisor but for one pair of primes in 30,000. */
function inverse(a: bigint, m: bigint): bigint {
  let [r, next, x, y] = [m, a % m, 0n, 1n];
  while (next !== 0n) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [x, y] = [y, x - quotient * y];
  }
  if (r !== 1n) throw new Error("these primes make no key: try again");
  return ((x % m) + m) % m;
}

function base64Url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64url");
}
