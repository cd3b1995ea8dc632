import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileShares } from "../../lib/adapters/embedded/shares.ts";
import { sha256Text, type Sha256 } from "../../lib/tuf/bytes.ts";
import { random } from "./adapters.ts";
import { contract } from "./suite.ts";

const ID = sha256Text("delivery");

contract("shares", (stores) => {
  it("gives back what was put; the first put stays", async () => {
    const { shares } = stores();
    const wrapped = random(61);
    await shares.put(ID, wrapped);
    await shares.put(ID, random(61));
    expect(await shares.get(ID)).toEqual(wrapped);
    expect(await shares.get(sha256Text("another"))).toBeNull();
  });

  it("has nothing after a destruction, however often it is repeated", async () => {
    const { shares } = stores();
    await shares.put(ID, random(61));
    await shares.destroy(ID);
    await shares.destroy(ID);
    expect(await shares.get(ID)).toBeNull();
  });

  it("destroys what never was without complaint, and nothing else", async () => {
    const { shares } = stores();
    const wrapped = random(61);
    await shares.put(ID, wrapped);
    await shares.destroy(sha256Text("another"));
    expect(await shares.get(ID)).toEqual(wrapped);
  });

  it("leaves no byte of a destroyed share on the medium", async () => {
    const { shares } = stores();
    const wrapped = random(61);
    await shares.put(ID, wrapped);
    expect(onMedium(stores().medium(), wrapped)).toBe(stores().medium().length > 0);
    await shares.destroy(ID);
    expect(onMedium(stores().medium(), wrapped)).toBe(false);
  });

  it("leaves no byte of a destroyed share among many that come and go", async () => {
    const { shares } = stores();
    // The sequence is one with which SQLite was seen to leave two.
    const next = sequence(4 * 7919);
    const live: { id: Sha256; wrapped: Uint8Array }[] = [];
    const gone: Uint8Array[] = [];
    // As many as make a store move shares between its pages: what moved must not leave a copy.
    for (let step = 0; step < 500; step += 1) {
      const [one] =
        next() < 0.4 && live.length > 0 ? live.splice(Math.floor(next() * live.length), 1) : [];
      if (one === undefined) {
        const share = { id: sha256Text(`delivery ${step}`), wrapped: random(61) };
        await shares.put(share.id, share.wrapped);
        live.push(share);
      } else {
        await shares.destroy(one.id);
        gone.push(one.wrapped);
      }
      if (step % 10 !== 9) continue;
      const files = stores().medium();
      expect(gone.filter((wrapped) => onMedium(files, wrapped))).toHaveLength(0);
    }
    for (const { id, wrapped } of live) expect(await shares.get(id)).toEqual(wrapped);
  });
});

it("takes what a destruction that was cut off left in a file for nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rootward-shares-"));
  try {
    const shares = new FileShares(folder);
    await shares.put(ID, random(61));
    writeFileSync(join(folder, ID), new Uint8Array(61));
    expect(await shares.get(ID)).toBeNull();
    await shares.destroy(ID);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The same numbers from 0 up to 1 in every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** Half of a share is as bad as all of it, so any 16 bytes in a row count. */
function onMedium(medium: readonly Uint8Array[], secret: Uint8Array): boolean {
  const files = medium.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const parts = [0, 16, 32, 45].map((at) => Buffer.from(secret.subarray(at, at + 16)));
  return files.some((file) => parts.some((part) => file.includes(part)));
}
