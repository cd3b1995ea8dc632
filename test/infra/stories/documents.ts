/** Targets that are too large for the table: in S3 under their SHA-256, and served as they were signed. */
import { expect, test } from "vitest";
import { sha256Text } from "../../../lib/tuf/bytes.ts";
import { createFactory, deliver } from "../../support/owner.ts";
import type { Installation } from "./installation.ts";

/** Each entry has some 130 bytes; what is longer than 256 KB is not kept in the table. */
const ENTRIES = 3000;

export function tellLongDocuments(one: Installation): void {
  test("targets of more than 256 KB are published, changed, and served", async () => {
    const { link } = await createFactory(one, "large");
    await deliver(one.url, link);
    const token = one.adminToken;
    const names = Array.from({ length: ENTRIES }, (_, index) => `image-${index}.bin`);
    const targets = Object.fromEntries(
      names.map((name, length) => [name, { length, hashes: { sha256: sha256Text(name) } }]),
    );
    const path = "/ota/factories/large/targets/";
    const put = await one.aws.ask("PUT", path, { token, body: { targets } });
    expect([put.status, put.text]).toEqual([200, expect.any(String)]);
    const changed = await one.aws.ask("PUT", path, { token, body: { remove: ["image-0.bin"] } });
    expect([changed.status, changed.text]).toEqual([200, expect.any(String)]);
    const served = await one.aws.ask("GET", "/repo/large/main/targets.json");
    const { signed } = served.json() as { readonly signed: { readonly targets: object } };
    expect(served.text.length).toBeGreaterThan(256 * 1024);
    expect(Object.keys(signed.targets)).toHaveLength(ENTRIES - 1);
    const readers = ["roots", "metadata"] as const;
    for (const by of readers) {
      const read = one.aws.calls.filter((call) => call.by === by && call.action === "s3:GetObject");
      expect(read.length).toBeGreaterThan(0);
    }
  }, 60_000);
}
