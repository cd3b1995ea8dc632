import { expect, it } from "vitest";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { contains, random } from "./adapters.ts";
import { contract } from "./suite.ts";

const ID = sha256Text("delivery");
/** The clock of an object store elsewhere cannot be set. */
const NOW = Date.now();
const UNTIL = Math.floor(NOW / 1000) * 1000 + 120_000;

/** A URL with its parameters changed. */
function withQuery(url: string, change: (query: URLSearchParams) => void): string {
  const changed = new URL(url);
  change(changed.searchParams);
  return changed.href;
}

/** Every parameter in turn with another first or last character, longer, empty, and left out. */
function tampered(url: string): readonly string[] {
  return [...new URL(url).searchParams].flatMap(([name, value]) => {
    const [first, last] = [value.at(0), value.at(-1)].map((it) => (it === "A" ? "B" : "A"));
    return [`${first}${value.slice(1)}`, `${value.slice(0, -1)}${last}`, value.slice(1)]
      .concat(`${value}0`, "")
      .map((text) => withQuery(url, (query) => query.set(name, text)))
      .concat(withQuery(url, (query) => query.delete(name)));
  });
}

contract("archives", (stores) => {
  it("yields the object by a presigned URL until its end", async () => {
    const { archives, openArchive } = stores();
    const object = random(5000);
    await archives.put(ID, object);
    const url = await archives.presign(ID, UNTIL);
    expect(await openArchive(url, NOW)).toEqual(object);
    // S3 counts whole seconds.
    expect(await openArchive(url, UNTIL - 1000)).toEqual(object);
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
    const changed = [
      ...tampered(url),
      url.replace(`${UNTIL}`, `${UNTIL + 1}`),
      url.replace(`${UNTIL}`, "Infinity"),
      url.replace("X-Amz-Expires=1", "X-Amz-Expires=9"),
      url.replace(ID, other),
      url.replace(ID, ".."),
      url.split("?")[0] ?? "",
    ].filter((one) => one !== url);
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
