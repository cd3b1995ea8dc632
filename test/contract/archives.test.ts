import { expect, it } from "@jest/globals";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { contains, random } from "./adapters.ts";
import { NOW } from "./sample-head.ts";
import { contract } from "./suite.ts";

const ID = sha256Text("delivery");
const UNTIL = NOW + 60_000;

contract("archives", (stores) => {
  it("yields the object by a presigned URL until its end", async () => {
    const { archives, openArchive } = stores();
    const object = random(5000);
    await archives.put(ID, object);
    const url = await archives.presign(ID, UNTIL);
    expect(await openArchive(url, NOW)).toEqual(object);
    expect(await openArchive(url, UNTIL - 1)).toEqual(object);
    expect(await openArchive(url, UNTIL)).toBeNull();
    expect(await openArchive(url, UNTIL + 1)).toBeNull();
  });

  it("yields the object to the service itself, and null where there is none", async () => {
    const { archives } = stores();
    const object = random(5000);
    expect(await archives.get(ID)).toBeNull();
    await archives.put(ID, object);
    expect(new Uint8Array((await archives.get(ID)) ?? [])).toEqual(object);
    await archives.delete(ID);
    expect(await archives.get(ID)).toBeNull();
  });

  it("takes a put again", async () => {
    const { archives, openArchive } = stores();
    const object = random(100);
    await archives.put(ID, object);
    await archives.put(ID, object);
    expect(await openArchive(await archives.presign(ID, UNTIL), NOW)).toEqual(object);
  });

  it("refuses a URL in which anything was changed", async () => {
    const { archives, openArchive } = stores();
    const other = sha256Text("another delivery");
    await archives.put(ID, random(100));
    await archives.put(other, random(100));
    const url = await archives.presign(ID, UNTIL);
    const mac = new URL(url).searchParams.get("mac") ?? "";
    const flipped = `${mac.startsWith("A") ? "B" : "A"}${mac.slice(1)}`;
    const changed = [
      url.replace(mac, flipped),
      url.replace(mac, ""),
      url.replace(mac, mac.slice(1)),
      url.replace(mac, `${mac}A`),
      url.replace(`${UNTIL}`, `${UNTIL + 1}`),
      url.replace(`${UNTIL}`, `${UNTIL}0`),
      url.replace(`${UNTIL}`, ""),
      url.replace(`${UNTIL}`, "Infinity"),
      url.replace(ID, other),
      url.replace(ID, ".."),
      url.split("?")[0] ?? "",
    ];
    for (const bad of changed) expect([bad, await openArchive(bad, NOW)]).toEqual([bad, null]);
  });

  it("yields nothing once it was deleted, however often", async () => {
    const { archives, openArchive } = stores();
    await archives.put(ID, random(100));
    const url = await archives.presign(ID, UNTIL);
    await archives.delete(ID);
    await archives.delete(ID);
    expect(await openArchive(url, NOW)).toBeNull();
    expect(await openArchive(await archives.presign(ID, UNTIL), NOW)).toBeNull();
  });

  it("leaves no file of a deleted object", async () => {
    const { archives, medium } = stores();
    const object = random(1000);
    await archives.put(ID, object);
    await archives.delete(ID);
    expect(medium().some((bytes) => contains(bytes, object))).toBe(false);
  });
});
