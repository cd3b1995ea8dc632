/**
 * The whole way through the AWS form as it is synthesised: from the operator's token to devices that
 * follow a root which only its owner signed. Each function runs from its bundle, with the rights that its
 * role has.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openArchive } from "../../lib/delivery/sealing.ts";
import { sha256, sha256Text, fromBase64Url } from "../../lib/tuf/bytes.ts";
import { deliveryId, parseLink } from "../../lib/delivery/link.ts";
import { deploy, PUBLIC_URL, type Deployment } from "../support/deployed/deployment.ts";

const ADMIN = `rw_${"A".repeat(43)}`;

let aws: Deployment;

beforeAll(async () => {
  aws = await deploy(sha256Text(ADMIN));
}, 120_000);

afterAll(async () => {
  await aws.stop();
});

const newFactory = (name: string, more: object = {}) => ({
  name,
  dialect: "tuf",
  keyType: "ed25519",
  owner: { id: "olga", email: "olga@example.com" },
  ...more,
});

describe("a Factory by link", () => {
  let secret: Uint8Array;
  let ownerToken: string;
  const claimant = "c".repeat(32);

  test("is made by whoever has the operator's token, and by nobody else", async () => {
    const body = newFactory("acme");
    expect((await aws.ask("POST", "/ota/factories/", { body })).status).toBe(401);
    const made = await aws.ask("POST", "/ota/factories/", { body, token: ADMIN });
    expect([made.status, made.text]).toEqual([201, expect.stringContaining("ownerToken")]);
    const { url } = made.json()["delivery"] as { readonly url: string };
    expect(url.startsWith(`${PUBLIC_URL}/download#`)).toBe(true);
    secret = parseLink(url).secret;
    expect(aws.mails.map(({ Destination }) => Destination.ToAddresses)).toEqual([
      ["olga@example.com"],
    ]);
    expect(JSON.stringify(aws.mails[0])).toContain(url);
  }, 60_000);

  test("shows devices nothing before its owner has the key", async () => {
    expect((await aws.ask("GET", "/repo/acme/main/root.json")).status).toBe(404);
  });

  test("has a page that may fetch the archive from where it lies", async () => {
    const page = await aws.ask("GET", "/download");
    expect(page.status).toBe(200);
    expect(page.headers["content-security-policy"]).toContain(
      "connect-src 'self' https://archives.example.com;",
    );
    expect((await aws.ask("GET", "/download/page.js")).text.length).toBeGreaterThan(10_000);
  });

  test("is delivered to the first claimant, and destroyed when that one confirms", async () => {
    const id = deliveryId(secret);
    const claimed = await aws.ask("POST", "/download/claim", { body: { id, claimant } });
    expect([claimed.status, claimed.text]).toEqual([200, expect.any(String)]);
    const { archiveUrl, share } = claimed.json() as { archiveUrl: string; share: string };
    const other = { id, claimant: "d".repeat(32) };
    expect((await aws.ask("POST", "/download/claim", { body: other })).status).toBe(410);

    const fetched = await fetch(archiveUrl);
    expect(fetched.status).toBe(200);
    const sealed = new Uint8Array(await fetched.arrayBuffer());
    const shared = fromBase64Url(share) ?? new Uint8Array();
    const archive = await openArchive(sealed, { secret, share: shared });
    const body = { id, claimant, sha256: sha256(archive) };
    const confirmed = await aws.ask("POST", "/download/confirm", { body });
    expect([confirmed.status, confirmed.text]).toEqual([200, expect.stringContaining("live")]);
    ownerToken = String(confirmed.json()["ownerToken"]);
    expect((await fetch(archiveUrl)).status).toBe(404);
  }, 60_000);

  test("serves devices, who may keep what each answer says", async () => {
    const root = await aws.ask("GET", "/repo/acme/main/root.json");
    expect([root.status, root.headers["cache-control"]]).toEqual([
      200,
      "public, max-age=0, s-maxage=5",
    ]);
    const next = await aws.ask("GET", "/repo/acme/main/2.root.json");
    expect([next.status, next.headers["cache-control"]]).toEqual([404, "no-store"]);
    const etag = root.headers["etag"] ?? "";
    const again = { headers: { "if-none-match": etag } };
    expect((await aws.ask("GET", "/repo/acme/main/root.json", again)).status).toBe(304);
  });

  test("lets its owner see state and log, make tokens, and publish", async () => {
    const token = ownerToken;
    const state = await aws.ask("GET", "/ota/factories/acme/", { token });
    expect(state.json()).toMatchObject({ state: "live" });
    const log = await aws.ask("GET", "/ota/factories/acme/log/", { token });
    expect(log.status).toBe(200);
    const spec = { user: "robot", scopes: ["targets:update"] };
    const minted = await aws.ask("POST", "/ota/factories/acme/tokens/", {
      token: ADMIN,
      body: spec,
    });
    expect([minted.status, minted.text]).toEqual([201, expect.stringContaining("robot")]);
    const targets = { "app.bin": { length: 3, hashes: { sha256: sha256(new Uint8Array(3)) } } };
    const put = { token: String(minted.json()["token"]), body: { targets } };
    const published = await aws.ask("PUT", "/ota/factories/acme/targets/", put);
    expect([published.status, published.text]).toEqual([200, expect.any(String)]);
    const id = String(minted.json()["id"]);
    const revoked = await aws.ask("DELETE", `/ota/factories/acme/tokens/${id}`, { token });
    expect(revoked.status).toBe(204);
    expect((await aws.ask("PUT", "/ota/factories/acme/targets/", put)).status).toBe(401);
  }, 60_000);
});

describe("a Factory without a link", () => {
  test("yields its first key to its owner, through the one function that may", async () => {
    const body = newFactory("bolt", { dialect: "ats", delivery: "api" });
    const made = await aws.ask("POST", "/ota/factories/", { body, token: ADMIN });
    const token = String(made.json()["ownerToken"]);
    const first = await aws.ask("GET", "/ota/factories/bolt/first_root.sec", { token });
    expect([first.status, first.text]).toEqual([200, expect.stringContaining("private")]);
    const path = "/ota/repo/bolt/api/v1/user_repo/root/updates";
    const start = { token, body: { message: "rotation", "first-time": true } };
    const started = await aws.ask("POST", path, start);
    expect([started.status, started.text]).toEqual([201, expect.stringContaining("txid")]);
    expect((await aws.ask("GET", path, { token })).status).toBe(200);
    expect((await aws.ask("POST", `${path}/cancel`, { token })).status).toBe(200);
  }, 60_000);
});

test("the schedule does what is due", async () => {
  await aws.runSchedule();
  expect(aws.logs()).toContain('"StillDue":0');
}, 60_000);

test("paths are exact", async () => {
  for (const path of ["/", "/ota/factories", "/ota/", "/download/", "/repo/acme/main/root.json/"]) {
    const { status, json } = await aws.ask("GET", path);
    expect([path, status, json()["code"]]).toEqual([path, 404, "not-found"]);
  }
  expect((await aws.ask("GET", "/healthz")).json()).toEqual({ status: "ok" });
  expect(await aws.ask("HEAD", "/healthz")).toMatchObject({ status: 200, text: "" });
  expect((await aws.ask("POST", "/healthz")).headers["allow"]).toBe("GET, HEAD");
});

test("no function did what its role does not allow", () => {
  expect(aws.refused).toEqual([]);
});

test("no log holds a token or a link", () => {
  expect(aws.logs()).not.toMatch(/rw_[A-Za-z0-9_-]{20}|download#/);
});
