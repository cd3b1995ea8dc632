import { expect, it } from "vitest";
import { storedDocument } from "../../lib/state/documents.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { random } from "./adapters.ts";
import { factoryName, rootDocument } from "./sample-head.ts";
import { contract } from "./suite.ts";

const document = rootDocument(factoryName("acme"), 1);

contract("documents", (stores) => {
  it("gives back the bytes that were put, also after they were put again", async () => {
    const { documents } = stores();
    await documents.put(document);
    await documents.put(document);
    expect(await documents.get(document.address)).toEqual(document.bytes);
  });

  it("keeps every byte of a large document", async () => {
    const large = storedDocument(document.address, random(300_000));
    await stores().documents.put(large);
    const stored = await stores().documents.get(large.address);
    expect(Buffer.from(stored ?? []).equals(large.bytes)).toBe(true);
  });

  it("finds a document by its full address only", async () => {
    const { documents } = stores();
    await documents.put(document);
    const { address } = document;
    const others = [
      { ...address, factory: factoryName("other") },
      { ...address, instance: null },
      { ...address, channel: "ci" as const },
      { ...address, role: "targets" as const },
      { ...address, version: 2 },
      { ...address, sha256: sha256Text("other") },
    ];
    for (const other of others) expect(await documents.get(other)).toBeNull();
  });

  it("keeps two documents of one place beside each other", async () => {
    const { documents } = stores();
    const rival = storedDocument(document.address, new TextEncoder().encode("{}"));
    await documents.put(document);
    await documents.put(rival);
    expect(await documents.get(document.address)).toEqual(document.bytes);
    expect(await documents.get(rival.address)).toEqual(rival.bytes);
  });

  it("is not changed by whoever changes the bytes afterwards", async () => {
    const { documents } = stores();
    const given = storedDocument(document.address, new Uint8Array(document.bytes));
    await documents.put(given);
    given.bytes.fill(0);
    (await documents.get(document.address))?.fill(0);
    expect(await documents.get(document.address)).toEqual(document.bytes);
  });

  it("has nothing published until it is published; the first record stays", async () => {
    const { documents } = stores();
    const { address } = document;
    await documents.put(document);
    expect(await documents.published(address)).toBeNull();
    await documents.publish(address);
    await documents.publish({ ...address, sha256: sha256Text("late") });
    expect(await documents.published(address)).toBe(address.sha256);
    expect(await documents.published({ ...address, version: 2 })).toBeNull();
    expect(await documents.published({ ...address, role: "snapshot" })).toBeNull();
    expect(await documents.published({ ...address, channel: "log" })).toBeNull();
    expect(await documents.published({ ...address, instance: null })).toBeNull();
    expect(await documents.published({ ...address, factory: factoryName("other") })).toBeNull();
  });
});
