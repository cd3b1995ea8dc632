/**
 * A rotation that was cut off goes on with exactly the roots that it signed, whatever the service holds
 * in their place; and no value of a signed root is the service's without the owner's consent.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pendingKeyid, pendingRoot } from "../../lib/archive/trust.ts";
import { DIALECTS, firstChannel, type Dialect } from "../../lib/tuf/dialect.ts";
import { formatTime } from "../../lib/tuf/expires.ts";
import {
  chainOf,
  entriesOf,
  makeOwner,
  missingKeys,
  rotateArchive,
  via,
} from "../support/cli-owner.ts";
import { changed, startProxy, type Rule } from "../support/cli-proxy.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

interface Sent {
  readonly [root: string]: { readonly signed: Record<string, unknown> };
}

const json = (bytes: Uint8Array): Sent => JSON.parse(Buffer.from(bytes).toString()) as Sent;
const updatesPath = (path: string): boolean => path.endsWith("/root/updates");

/** An owner whose run was cut off before its signed root arrived, and what it sent. */
async function interrupted(factory: string, dialect: Dialect) {
  const owner = await makeOwner(server, factory, { dialect });
  const sent: Sent[] = [];
  const cut = await startProxy(server.url, ({ method, body }, forward) => {
    if (method !== "PUT") return forward();
    sent.push(json(body));
    return null;
  });
  const result = await rotateArchive(via(owner, cut.url));
  await cut.close();
  expect(result).toMatchObject({ code: 1, stdout: "" });
  const [first] = sent;
  if (first === undefined) throw new Error("nothing was sent");
  return { owner, first };
}

/** Everything but `change` of the staged roots is as the owner sent it. */
function instead(sent: Sent, change: (signed: Record<string, unknown>) => object): Rule {
  return async ({ method, path }, forward) => {
    const reply = await forward();
    if (method !== "GET" || !updatesPath(path)) return reply;
    return changed(reply, (body) => {
      const updated = Object.entries(body["updated"] as Record<string, string>).map(
        ([name, text]) => {
          const envelope = sent[name];
          if (envelope === undefined) return [name, text];
          return [name, JSON.stringify({ ...envelope, signed: change(envelope.signed) })];
        },
      );
      return { ...body, updated: Object.fromEntries(updated) as object };
    });
  };
}

describe.each(DIALECTS)("a run after one that was cut off (%s)", (dialect) => {
  test("sends the very root that the first one signed, and notes no more of it in the end", async () => {
    const { owner, first } = await interrupted(`again-${dialect}`, dialect);
    const channel = firstChannel(dialect);
    const kept = pendingRoot(await entriesOf(owner.archive), channel);
    expect(kept && json(kept)["signed"]).toEqual(first["ci-root"]?.signed);
    const sent: Sent[] = [];
    const seen = await startProxy(server.url, ({ method, body }, forward) => {
      if (method === "PUT") sent.push(json(body));
      return forward();
    });
    expect(await rotateArchive(via(owner, seen.url))).toMatchObject({ code: 0 });
    await seen.close();
    expect(sent.map((roots) => roots["ci-root"]?.signed)).toEqual([first["ci-root"]?.signed]);
    const entries = await entriesOf(owner.archive);
    expect([pendingKeyid(entries), pendingRoot(entries, channel)]).toEqual([null, null]);
    expect(await missingKeys(owner)).toEqual([]);
  });

  test("signs no expiry that the service chose, and says what it holds", async () => {
    const { owner, first } = await interrupted(`expiry-${dialect}`, dialect);
    const soon = formatTime(Date.now() + 30 * 86_400_000);
    const sent: Sent[] = [];
    const lie = instead(first, (signed) => ({ ...signed, expires: soon }));
    const liar = await startProxy(server.url, (request, forward) => {
      if (request.method === "PUT") sent.push(json(request.body));
      return lie(request, forward);
    });
    const result = await rotateArchive(via(owner, liar.url));
    await liar.close();
    expect(result).toMatchObject({ code: 0 });
    expect(result.stderr).toContain(
      "staged at the service, but not what this tool signed: expires",
    );
    expect(result.stderr).toContain(soon);
    expect(sent.map((roots) => roots["ci-root"]?.signed)).toEqual([first["ci-root"]?.signed]);
    const [, root] = await chainOf(owner, firstChannel(dialect));
    expect(root?.signed["expires"]).toBe(first["ci-root"]?.signed["expires"]);
  });
});

test("a key of the service's beside the owner's own is shown and not signed", async () => {
  const { owner, first } = await interrupted("beside", "tuf");
  const lie = instead(first, (signed) => ({
    ...signed,
    "x-key-owners": { ...(signed["x-key-owners"] as object), ["0".repeat(64)]: {} },
  }));
  const liar = await startProxy(server.url, lie);
  const result = await rotateArchive(via(owner, liar.url));
  await liar.close();
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain('changes "x-key-owners"');
  expect(liar.signed()).toBe(0);
  expect(await rotateArchive(owner)).toMatchObject({ code: 0 });
});

describe("the change message", () => {
  const log =
    (members: object): Rule =>
    async ({ method, path }, forward) => {
      const reply = await forward();
      if (path.includes("/users/self/")) {
        return changed(reply, (body) => ({ ...body, ...("polis-id" in members && members) }));
      }
      if (method !== "GET" || !updatesPath(path)) return reply;
      return changed(reply, (body) => {
        const { "ci-root": text = "", ...rest } = body["updated"] as Record<string, string>;
        const { signed, ...envelope } = JSON.parse(text) as { signed: Record<string, object> };
        const changelog = { ...signed["x-changelog"], ...members };
        const root = { ...envelope, signed: { ...signed, "x-changelog": changelog } };
        return { ...body, updated: { ...rest, "ci-root": JSON.stringify(root) } };
      });
    };

  test.each([
    ["of years ago", { timestamp: "2001-01-01T00:00:00Z" }, /at "2001-01-01T00:00:00Z"/],
    ["of tomorrow", { timestamp: formatTime(Date.now() + 86_400_000) }, /nothing was signed/],
    [
      "by another name",
      { "polis-id": "mallory" },
      /the service calls you "mallory"; root version 2/,
    ],
    ["with a long tail", { message: `rotate root key${"x".repeat(300)}` }, /x{300}" by "owner"/],
  ])("%s is shown and not signed", async (name, members, words) => {
    const owner = await makeOwner(server, `log-${name.replaceAll(" ", "-")}`);
    // Root version 2 names the owner of the key.
    expect(await rotateArchive(owner)).toMatchObject({ code: 0 });
    const liar = await startProxy(server.url, log(members));
    const result = await rotateArchive(via(owner, liar.url));
    await liar.close();
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(words);
    expect(liar.signed()).toBe(0);
  });
});
