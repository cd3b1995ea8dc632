/**
 * What is on the service's disk. Of the root private key nothing, at any moment, in any encoding,
 * free pages and logs of the database included; after the confirmation neither share nor T, nor
 * anything else that could open a copy of the archive; of tokens only their hashes.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { archivedKeys } from "../../lib/archive/keys.ts";
import { readArchive } from "../../lib/archive/archive.ts";
import { fromBase64Url } from "../../lib/tuf/bytes.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  claim,
  confirm,
  createFactory,
  fetchArchive,
  linkParts,
  newClaimant,
} from "../support/owner.ts";
import { encodings, findIn, privateKeyForms, readFolder } from "../support/secrets.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

/** Keeps every distinct content that any file of the data folder has while `work` runs. */
async function watching<T>(work: () => Promise<T>): Promise<{
  result: T;
  seen: readonly { file: string; bytes: Buffer }[];
}> {
  const seen = new Map<string, { file: string; bytes: Buffer }>();
  const look = (): void => {
    for (const item of readFolder(server.data)) {
      seen.set(createHash("sha256").update(item.bytes).digest("hex"), item);
    }
  };
  const stop = new AbortController();
  const loop = (async () => {
    while (!stop.signal.aborted) {
      look();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  try {
    return { result: await work(), seen: [...seen.values()] };
  } finally {
    stop.abort();
    await loop;
  }
}

describe.each(["ed25519", "rsa"] as const)("with a root key of type %s", (keyType) => {
  test("the root private key is never on disk, in any encoding", async () => {
    const { result: archive, seen } = await watching(async () => {
      const { link } = await createFactory(server, "acme", { keyType });
      const claimant = newClaimant();
      const opened = await fetchArchive(link, await claim(server.url, link, claimant));
      await confirm(server.url, link, claimant, opened);
      return opened;
    });
    const [key] = archivedKeys(await readArchive(archive));
    const needles = privateKeyForms(key?.privateText ?? "");
    expect(needles.length).toBeGreaterThan(8);
    // The archive itself, compressed as it is, must not be there either.
    const opened = [Buffer.from(archive.subarray(40, 104))];
    expect(seen.length).toBeGreaterThan(5);
    expect(findIn(seen, [...needles, ...opened])).toEqual([]);
    expect(findIn(readFolder(server.folder), [...needles, ...opened])).toEqual([]);
  });
});

test("the search finds what it looks for", async () => {
  const { link } = await createFactory(server, "acme");
  const { secret } = linkParts(link);
  expect(findIn(readFolder(server.outbox), encodings(secret))).toHaveLength(1);
  const opened = await fetchArchive(link, await claim(server.url, link, newClaimant()));
  const [key] = archivedKeys(await readArchive(opened));
  const haystack = { file: "pem", bytes: Buffer.from(`..${key?.privateText ?? ""}..`) };
  expect(findIn([haystack], privateKeyForms(key?.privateText ?? ""))).toEqual(["pem"]);
});

test("after the confirmation neither share nor T nor id nor mail nor object is left", async () => {
  const { link } = await createFactory(server, "acme");
  const { secret, id } = linkParts(link);
  const claimant = newClaimant();
  const [shareName = ""] = readdirSync(join(server.data, "shares"));
  const wrapped = readFileSync(join(server.data, "shares", shareName));
  const [objectName = ""] = readdirSync(join(server.data, "archives"));
  const sealed = readFileSync(join(server.data, "archives", objectName));
  expect(findIn(readFolder(server.data), [wrapped])).not.toEqual([]);

  const granted = await claim(server.url, link, claimant);
  expect(readdirSync(server.outbox)).toEqual([]);
  const share = fromBase64Url(granted.body["share"] as string) ?? new Uint8Array();
  const archive = await fetchArchive(link, granted);
  expect(await confirm(server.url, link, claimant, archive)).toMatchObject({ status: 200 });

  const needles = [
    ...encodings(secret),
    ...encodings(share),
    ...encodings(wrapped),
    ...encodings(Buffer.from(id, "hex")),
    Buffer.from(claimant),
    sealed.subarray(20, 84),
  ];
  expect(findIn(readFolder(server.folder), needles)).toEqual([]);
  expect(readdirSync(join(server.data, "archives"))).toEqual([]);
  expect(readdirSync(join(server.data, "shares"))).toEqual([]);
});

test("T is in the outbox only, never in the data folder or the log", async () => {
  const { link } = await createFactory(server, "acme");
  const { secret, id } = linkParts(link);
  const needles = [...encodings(secret), ...encodings(Buffer.from(id, "hex"))];
  expect(findIn(readFolder(server.data), needles)).toEqual([]);
  expect(findIn([{ file: "log", bytes: Buffer.from(server.log.join("\n")) }], needles)).toEqual([]);
});

test("tokens are stored as hashes", async () => {
  const { ownerToken } = await createFactory(server, "acme");
  expect(findIn(readFolder(server.folder), [Buffer.from(ownerToken)])).toEqual([]);
});
