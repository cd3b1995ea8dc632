/**
 * `keys rotate` and a root update that is not all its own: what a service or another admin staged is
 * shown and not signed, unless the owner says so; and where one signature is not enough, the next
 * root waits for the others.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyEntries } from "../../lib/archive/keys.ts";
import { makeSigningKey } from "../../lib/crypto/signing-key.ts";
import { DIALECTS } from "../../lib/tuf/dialect.ts";
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import {
  rotateArchive,
  chainOf,
  changeArchive,
  copyOwner,
  keysIn,
  makeOwner,
  missingKeys,
  signerOf,
  via,
  type Owner,
} from "../support/cli-owner.ts";
import { changed, startProxy, type Rule } from "../support/cli-proxy.ts";
import { onlyJson, runCli, type CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, repoUrl, signRoot } from "../support/owner.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

const updates = ({ factory }: Owner, step = ""): string =>
  repoUrl(server.url, factory, `root/updates${step}`);

const text = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");

/** What a refusal names for what it shows. */
function digestIn({ stderr }: CliResult): string {
  return /--accept-changes ([0-9a-f]{64})/.exec(stderr)?.[1] ?? "none";
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : jsonObject({});
}

describe("a proposal that is not the current root with a new version and message:", () => {
  const change =
    (edit: (signed: Record<string, unknown>) => object): Rule =>
    async ({ method, path }, forward) => {
      const reply = await forward();
      if (method !== "GET" || !path.endsWith("/root/updates")) return reply;
      return changed(reply, (body) => ({ ...body, updated: edited(body["updated"], edit) }));
    };
  const edited = (updated: unknown, edit: (signed: Record<string, unknown>) => object): unknown => {
    const roots = updated as Record<string, string> | null;
    if (roots === null) return null;
    const body = JSON.parse(roots["ci-root"] ?? "") as { signed: Record<string, unknown> };
    const text = JSON.stringify({ ...body, signed: edit(body.signed) });
    return { ...roots, "ci-root": text };
  };
  const log = (members: object) => (signed: Record<string, unknown>) => ({
    ...signed,
    "x-changelog": { ...(signed["x-changelog"] as object), ...members },
  });
  const rows: readonly (readonly [string, Rule, RegExp])[] = [
    ["somebody else's name", change(log({ "polis-id": "mallory" })), /by "mallory"/],
    ["another message", change(log({ message: "add a key" })), /message "add a key"/],
    ["a member more in the message", change(log({ note: "" })), /message "rotate root key" by/],
    [
      "a lower threshold",
      change((signed) => {
        const roles = signed["roles"] as Record<string, object>;
        return { ...signed, roles: { ...roles, root: { ...roles["root"], threshold: 2 } } };
      }),
      /role root: threshold from 1 to 2/,
    ],
    ["something unknown", change((signed) => ({ ...signed, extra: 1 })), /changes "extra"/],
    ["no root", change(() => ({})), /changes "_type"/],
  ];

  test.each(rows)("%s is shown and not signed", async (name, rule, words) => {
    const owner = await makeOwner(server, `lie-${rows.findIndex(([row]) => row === name)}`);
    const proxy = await startProxy(server.url, rule);
    const result = await rotateArchive(via(owner, proxy.url));
    await proxy.close();
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(words);
    expect(proxy.signed()).toBe(0);
    expect(await keysIn(owner.archive)).toHaveLength(1);
    // The update that was begun stops nobody.
    expect(await rotateArchive(owner)).toMatchObject({ code: 0 });
  });
});

describe.each(DIALECTS)("another admin's root update (%s)", (dialect) => {
  /** Adds a root key of bob's to what is staged, and the signatures that `signed` asks for. */
  async function stageBobsKey(owner: Owner, threshold: number, begin = true) {
    const bob = await makeSigningKey("ed25519");
    const own = rootKey(bob.publicKey, dialect);
    const token = owner.env.ROOTWARD_TOKEN;
    if (begin) await call(updates(owner), { token, body: { message: "bob joins" } });
    const { body: review } = await call(updates(owner), { token });
    const texts = object(review["updated"] as JsonValue);
    const envelopes = ["ci-root", "prod-root"].flatMap((name) => {
      if (texts[name] === "") return [];
      const { signed } = JSON.parse(text(texts[name])) as { signed: JsonObject };
      const roles = object(signed["roles"]);
      const { keyids } = object(roles["root"]) as { keyids: readonly string[] };
      const root = jsonObject({ keyids: [...keyids, own.keyid], threshold });
      const next = jsonObject({
        ...signed,
        keys: jsonObject({ ...object(signed["keys"]), [own.keyid]: own.object }),
        roles: jsonObject({ ...roles, root }),
      });
      return [[name, JSON.parse(Buffer.from(signRoot(next, [bob], dialect)).toString()) as object]];
    });
    const { status } = await call(updates(owner), {
      method: "PUT",
      token,
      body: Object.fromEntries(envelopes) as object,
    });
    expect(status).toBe(200);
    return bob;
  }

  test("is shown, and signed with --accept-changes only", async () => {
    const owner = await makeOwner(server, `bob-${dialect}`, { dialect });
    const bob = await stageBobsKey(owner, 1);
    const { keyid } = rootKey(bob.publicKey, dialect);
    const refused = await rotateArchive(owner, "-m", "bob joins");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(`role root: adds key ${keyid}`);
    // What is staged after it was shown is not what was accepted.
    const digest = digestIn(refused);
    const mallory = await stageBobsKey(owner, 1, false);
    const late = await rotateArchive(owner, "-m", "bob joins", "--accept-changes", digest);
    expect(late).toMatchObject({ code: 1, stdout: "" });
    expect(late.stderr).toContain("what is staged is not what you accepted");
    expect(late.stderr).toContain(rootKey(mallory.publicKey, dialect).keyid);
    expect(await keysIn(owner.archive)).toHaveLength(1);
    const accept = ["--accept-changes", digestIn(late)];
    const accepted = await rotateArchive(owner, "-m", "bob joins", ...accept, "--json");
    expect(accepted.stderr).toContain(`accepted: role root: adds key ${keyid}`);
    const { keyids } = onlyJson(accepted) as { keyids: readonly string[] };
    expect(keyids).toHaveLength(3);
    expect(keyids).toContain(keyid);
  });

  test("where one signature is not enough, the roots stay staged for the other signer", async () => {
    const owner = await makeOwner(server, `two-${dialect}`, { dialect });
    const bob = await stageBobsKey(owner, 2);
    const shownToAlice = await rotateArchive(owner);
    const accept = ["--accept-changes", digestIn(shownToAlice)];
    const waiting = await rotateArchive(owner, ...accept);
    expect(waiting).toMatchObject({ code: 0 });
    expect(waiting.stdout).toMatch(/is staged, and not in force yet\nmissing {6}expected 2 sig/);
    expect(await chainOf(owner, dialect === "tuf" ? "main" : "ci")).toHaveLength(1);
    // Bob, with an archive of his own, looks at it, signs it and applies it.
    const other = copyOwner(owner, "bob");
    await changeArchive(
      other.archive,
      (entries) =>
        new Map([
          ...[...entries].filter(([name]) => !name.startsWith("tufrepo/keys/")),
          ...keyEntries("tufrepo/keys/bob", bob.publicKey, bob.toArchiveText()),
        ]),
    );
    const before = readFileSync(other.archive);
    const sign = (...args: readonly string[]) =>
      runCli(["keys", "sign", other.archive, ...args], { env: owner.env });
    const root = (name: string) =>
      runCli(["root", name, "--factory", owner.factory], { env: owner.env });
    const shown = await sign();
    expect(shown).toMatchObject({ code: 1, stdout: "" });
    expect(shown.stderr).toContain("nothing was signed");
    expect(shown.stderr).toContain("role root: threshold from 1 to 2");
    expect(shown.stderr).toContain('message "bob joins" by "owner"');
    expect((await root("review")).stdout).toMatch(
      /changes .*threshold from 1 to 2\n(?:[^]*\n)?missing {6}/,
    );
    const { keyid } = rootKey(bob.publicKey, dialect);
    const signed = await sign("--accept-changes", digestIn(shown), "--json");
    expect(onlyJson(signed)).toMatchObject({
      keyids: [keyid],
      missing: [],
    });
    expect((await root("review")).stdout).toContain("Nothing is missing: it can be applied.");
    // Alice runs her command again: it is the very root that she signed, and bob's signature stays.
    const done = await rotateArchive(owner);
    expect(done.stdout).toMatch(/^root {9}version 2, /m);
    expect(await root("apply")).toMatchObject({ code: 0 });
    expect((await root("review")).stdout).toContain("no root update is in progress");
    expect(readFileSync(other.archive).equals(before)).toBe(true);
    const [, second] = await chainOf(owner, dialect === "tuf" ? "main" : "ci");
    expect(second?.roles.root.threshold).toBe(2);
    if (second) await signerOf(owner, second);
  });
});

test("an update is cancelled, and the next rotation is one of its own", async () => {
  const owner = await makeOwner(server, "cancelled");
  const token = owner.env.ROOTWARD_TOKEN;
  await call(updates(owner), { token, body: { message: "changed my mind" } });
  const cancel = ["root", "cancel", "--factory", owner.factory];
  expect(await runCli(cancel, { env: owner.env })).toMatchObject({ code: 0 });
  const again = await runCli(cancel, { env: owner.env });
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toContain("there is no root update of cancelled in progress");
  const nothing = await runCli(["keys", "sign", owner.archive], { env: owner.env });
  expect(nothing.stderr).toContain("there is no root update of cancelled in progress");
  expect(await rotateArchive(owner)).toMatchObject({ code: 0 });
});

test("an update that another token started needs its transaction id", async () => {
  const owner = await makeOwner(server, "txid");
  const token = owner.env.ROOTWARD_TOKEN;
  const minted = await call(`${server.url}/ota/factories/txid/tokens/`, {
    token,
    body: { user: "owner", scopes: ["root:read", "root:update"] },
  });
  const other = String(minted.body["token"]);
  const message = "rotate root key";
  const { body } = await call(updates(owner), { token: other, body: { message } });
  const refused = await rotateArchive(owner);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("give its transaction id (--txid)");
  const none = await rotateArchive(await makeOwner(server, "no-txid"), "--txid", "0".repeat(32));
  expect(none.stderr).toContain("there is no root update of no-txid in progress");
  const done = await rotateArchive(owner, "--txid", String(body["txid"]));
  expect(done).toMatchObject({ code: 0 });
  expect(await missingKeys(owner)).toEqual([]);
});
