/** A delivery by its own protocol: who gets what, who does not, and what is left afterwards. */
import { describe, expect, test } from "vitest";
import { readArchive } from "../../../lib/archive/archive.ts";
import { archivedKeys } from "../../../lib/archive/keys.ts";
import { openEnvelope } from "../../../lib/crypto/envelope.ts";
import { readRecipientCertificate } from "../../../lib/crypto/recipient.ts";
import { sha256, sha256Text } from "../../../lib/tuf/bytes.ts";
import { isKeyId } from "../../../lib/tuf/keys.ts";
import { makeCertificate, rsaKey } from "../../support/certificate.ts";
import {
  call,
  claim,
  confirm,
  createFactory,
  fetchArchive,
  newClaimant,
  rebootstrap,
  stateOf,
} from "../../support/owner.ts";
import type { Installation } from "./installation.ts";

export function tellDeliveries(one: Installation): void {
  test("an archive is encrypted to its owner's certificate, where there is one", async () => {
    const { pem, privateKey } = makeCertificate(rsaKey(3072));
    const { link } = await createFactory(one, "sealed", { recipientCertificate: pem });
    const claimant = newClaimant();
    const granted = await claim(one.url, link, claimant);
    const encrypted = await fetchArchive(link, granted);
    expect(granted.body["recipient"]).toBe(readRecipientCertificate(pem, Date.now()).fingerprint);
    const entries = await readArchive(openEnvelope(encrypted, privateKey));
    expect(archivedKeys(entries)).toHaveLength(1);
    expect(await confirm(one.url, link, claimant, encrypted)).toMatchObject({ status: 200 });
  }, 60_000);
  describe("a delivery by link", () => {
    tellLink(one);
  });
  describe("a delivery that is begun again", () => {
    tellAgain(one);
  });
  describe("a Factory without a link", () => {
    tellWithout(one);
  });
}

function tellLink(one: Installation): void {
  const claimant = newClaimant();
  let link = "";
  let ownerToken = "";

  test("has a page that may fetch the archive from where presigned URLs lead", async () => {
    ({ link } = await createFactory(one.pipeline, "linked"));
    const page = await one.aws.ask("GET", "/download");
    expect(page.status).toBe(200);
    const granted = await claim(one.url, link, claimant);
    const { origin } = new URL(String(granted.body["archiveUrl"]));
    expect(origin).toMatch(/^https:\/\/archives\w+\.s3\.eu-west-1\.amazonaws\.com$/);
    expect(page.headers["content-security-policy"]).toContain(`connect-src 'self' ${origin};`);
    expect((await one.aws.ask("GET", "/download/page.js")).text.length).toBeGreaterThan(10_000);
  }, 60_000);

  test("yields the archive to its first claimant, by a URL that nobody may change", async () => {
    expect((await claim(one.url, link, newClaimant())).status).toBe(410);
    const granted = await claim(one.url, link, claimant);
    const url = new URL(String(granted.body["archiveUrl"]));
    for (const name of ["X-Amz-Expires", "X-Amz-Signature", "X-Amz-Date"]) {
      const other = new URL(url);
      const changed = url.searchParams
        .get(name)
        ?.replace(/\d(?!.*\d)/, (last) => `${(+last + 1) % 10}`);
      other.searchParams.set(name, changed ?? "");
      expect([name, (await fetch(other)).status]).toEqual([name, 403]);
    }
    expect((await fetch(url.origin + url.pathname)).status).toBe(403);
    const archive = await fetchArchive(link, granted);
    const wrong = await confirm(one.url, link, claimant, new Uint8Array(3));
    expect(wrong.status).toBe(422);
    const confirmed = await confirm(one.url, link, claimant, archive);
    expect([confirmed.status, confirmed.body["state"]]).toEqual([200, "live"]);
    ownerToken = String(confirmed.body["ownerToken"]);
    expect((await fetch(url)).status).toBe(404);
  }, 60_000);

  test("serves devices, who may keep what each answer says", async () => {
    const root = await one.aws.ask("GET", "/repo/linked/main/root.json");
    const caching = "public, max-age=0, s-maxage=5";
    expect([root.status, root.headers["cache-control"]]).toEqual([200, caching]);
    const next = await one.aws.ask("GET", "/repo/linked/main/2.root.json");
    expect([next.status, next.headers["cache-control"]]).toEqual([404, "no-store"]);
    const again = { headers: { "if-none-match": root.headers["etag"] ?? "" } };
    expect((await one.aws.ask("GET", "/repo/linked/main/root.json", again)).status).toBe(304);
  });

  test("lets its owner see state and log, make tokens, and publish", async () => {
    const token = ownerToken;
    const ask = (method: string, path: string, init: object = {}) =>
      one.aws.ask(method, `/ota/factories/linked/${path}`, { token, ...init });
    expect((await ask("GET", "")).json()).toMatchObject({ state: "live" });
    expect((await ask("GET", "log/")).status).toBe(200);
    const body = { user: "robot", scopes: ["targets:update"] };
    const minted = await ask("POST", "tokens/", { token: one.adminToken, body });
    expect([minted.status, minted.text]).toEqual([201, expect.stringContaining("robot")]);
    const mintedBy = `admin-${sha256Text(one.adminToken).slice(0, 8)}`;
    const { tokens } = (await ask("GET", "tokens/")).json();
    expect(tokens).toContainEqual(expect.objectContaining({ user: "robot", mintedBy }));
    const targets = { "app.bin": { length: 3, hashes: { sha256: sha256(new Uint8Array(3)) } } };
    const put = { token: String(minted.json()["token"]), body: { targets } };
    expect((await ask("PUT", "targets/", put)).status).toBe(200);
    // A token that the operator made is revoked by the operator (ADR 9).
    const path = `tokens/${String(minted.json()["id"])}`;
    expect((await ask("DELETE", path)).status).toBe(403);
    expect((await ask("DELETE", path, { token: one.adminToken })).status).toBe(204);
    expect((await ask("PUT", "targets/", put)).status).toBe(401);
  }, 60_000);
}

function tellAgain(one: Installation): void {
  test("the old link, tokens and keys are good for nothing", async () => {
    const first = await createFactory(one.pipeline, "again");
    const second = await rebootstrap(one.pipeline, "again");
    expect(second.status).toBe(201);
    expect((await claim(one.url, first.link, newClaimant())).status).toBe(410);
    const { url } = second.body["delivery"] as { readonly url: string };
    const claimant = newClaimant();
    const granted = await claim(one.url, url, claimant);
    const archive = await fetchArchive(url, granted);
    expect((await confirm(one.url, url, claimant, archive)).status).toBe(200);
    const old = await call(`${one.url}/ota/factories/again/`, { token: first.ownerToken });
    expect(old.status).toBe(401);
  }, 60_000);

  test("the same request is answered once with secrets", async () => {
    const body = {
      name: "twice",
      dialect: "tuf",
      keyType: "ed25519",
      owner: { id: "olga", email: "olga@example.com" },
    };
    const options = {
      token: one.provisionerToken,
      body,
      headers: { "Idempotency-Key": "pipeline-7" },
    };
    const made = await call(`${one.url}/ota/factories/`, options);
    expect([made.status, made.body["ownerToken"]]).toEqual([201, expect.any(String)]);
    const repeated = await call(`${one.url}/ota/factories/`, options);
    expect([repeated.status, repeated.body["ownerToken"]]).toEqual([200, undefined]);
    const other = { ...options, body: { ...body, name: "other" } };
    expect((await call(`${one.url}/ota/factories/`, other)).status).toBe(422);
  }, 60_000);
}

function tellWithout(one: Installation): void {
  test("yields its first key to its owner, through the one function that may", async () => {
    const body = {
      name: "direct",
      dialect: "ats",
      keyType: "ed25519",
      owner: { id: "olga", email: "olga@example.com" },
      delivery: "api",
    };
    const made = await one.aws.ask("POST", "/ota/factories/", {
      body,
      token: one.provisionerToken,
    });
    const token = String(made.json()["ownerToken"]);
    const first = await one.aws.ask("GET", "/ota/factories/direct/first_root.sec", { token });
    expect([first.status, first.text]).toEqual([200, expect.stringContaining("private")]);
    const path = "/ota/repo/direct/api/v1/user_repo/root/updates";
    const start = { token, body: { message: "rotation", "first-time": true } };
    const started = await one.aws.ask("POST", path, start);
    expect([started.status, started.text]).toEqual([201, expect.stringContaining("txid")]);
    expect((await one.aws.ask("GET", path, { token })).status).toBe(200);
    const wanted = { "key-type": "ED25519", targets: true };
    const made2 = await one.aws.ask("POST", `${path}/gen-online-keys`, { token, body: wanted });
    expect(made2.status).toBeLessThan(300);
    expect((await one.aws.ask("POST", `${path}/cancel`, { token })).status).toBe(200);
    const { onlineKeys } = (await stateOf(one, "direct")) as {
      readonly onlineKeys: Readonly<Record<string, string>>;
    };
    expect(Object.values(onlineKeys).every(isKeyId)).toBe(true);
  }, 60_000);
}
