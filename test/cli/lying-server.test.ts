/**
 * A service that lies about the newest root, or about who its caller is. Each lie is refused for its
 * own reason, no signature leaves the machine, and the archive stays as it was, to the byte.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSigningKey } from "../../lib/crypto/signing-key.ts";
import { isJsonObject, jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import { makeVictim, REFUSED, rotateAgainst, successor } from "../support/cli-lies.ts";
import type { Victim } from "../support/cli-lies.ts";
import { rootBytes } from "../support/cli-owner.ts";
import { changed, startProxy, type Reply, type Rule } from "../support/cli-proxy.ts";
import { runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { signRoot } from "../support/owner.ts";

let server: TestServer;
let victim: Victim;
let other: Victim;
beforeAll(async () => {
  server = await startServer();
  [victim, other] = await Promise.all([makeVictim(server, "acme"), makeVictim(server, "evil")]);
});
afterAll(() => server.remove());

/** Answers for version 3 of the root with `lie`. */
function instead(lie: (reply: Reply) => Reply | Promise<Reply>): Rule {
  return async ({ path }, forward) =>
    path.includes("/3.root.json") ? lie(await forward()) : forward();
}

function member(value: JsonObject, name: string): JsonObject {
  const found = value[name];
  return isJsonObject(found) ? found : jsonObject({});
}

/** Version 3 with a key of the attacker's in `role`: beside those that are there, or alone. */
async function withForeignKey(role: "root" | "timestamp", how: "beside" | "alone") {
  const attacker = await makeSigningKey("ed25519");
  const { keyid, object } = rootKey(attacker.publicKey, "tuf");
  const { signed, roles } = victim.root;
  const gone = how === "alone" ? roles[role].keyids : [];
  const keyids = [...roles[role].keyids.filter((id) => !gone.includes(id)), keyid];
  const keys = Object.entries(member(signed, "keys")).filter(([id]) => !gone.some((k) => k === id));
  const allRoles = member(signed, "roles");
  const changedRole = jsonObject({ ...member(allRoles, role), keyids });
  return {
    attacker,
    signed: jsonObject({
      ...signed,
      keys: jsonObject({ ...Object.fromEntries(keys), [keyid]: object }),
      roles: jsonObject({ ...allRoles, [role]: changedRole }),
    }),
  };
}

const json = (body: Uint8Array | string): Reply => ({ status: 200, body });
const notFound: Reply = { status: 404, body: '{"code":"not-found","message":"no"}' };
const unsigned = /does not follow from the trusted root: .*expected 1 signatures by root keys/;

describe("about the newest root:", () => {
  const rows: readonly (readonly [string, Rule, RegExp])[] = [
    [
      "a key more, under the old signatures",
      instead(async (reply) => {
        const { signed } = await withForeignKey("root", "beside");
        return changed(reply, (body) => ({ ...body, signed }));
      }),
      unsigned,
    ],
    [
      "an online key of the attacker, signed by the attacker",
      instead(async () => {
        const { signed, attacker } = await withForeignKey("timestamp", "alone");
        return json(signRoot(signed, [attacker], "tuf"));
      }),
      unsigned,
    ],
    [
      "a root key of the attacker in the place of ours",
      instead(async () => {
        const { signed, attacker } = await withForeignKey("root", "alone");
        return json(signRoot(signed, [attacker], "tuf"));
      }),
      unsigned,
    ],
    [
      "no signature",
      instead((reply) => changed(reply, (body) => ({ ...body, signatures: [] }))),
      /root version 3 is not a valid root|got 0/,
    ],
    [
      "a version skipped, well signed",
      instead(() => json(signRoot(successor(victim.root), [victim.key], "tuf"))),
      /expected 3 \(the one after the trusted root\), got 4/,
    ],
    [
      "an older version in its place",
      instead(async () => json((await rootBytes(victim.owner, "main", 2)) ?? "")),
      /expected 3 \(the one after the trusted root\), got 2/,
    ],
    [
      "the root of another Factory",
      instead(() => json(signRoot(other.root.signed, [other.key], "tuf"))),
      unsigned,
    ],
    // The log is served as it is and tells of version 3: whoever reads both knows.
    ["nothing, though the log tells of it (a freeze)", instead(() => notFound), /audit log/],
    ["words", instead(() => json("hello")), /error: /],
    ["half of it", instead(({ body }) => json(body.slice(0, 400))), /error: /],
    ["an empty object", instead(() => json("{}")), /not a valid root/],
    ["an answer of 20 MB", instead(() => json("x".repeat(20_000_000))), /too large/],
    ["a failure", instead(() => ({ status: 500, body: "oops" })), /answered 500/],
  ];

  test.each(rows)("%s", async (name, lie, words) => {
    const outcome = await rotateAgainst(victim, name, lie);
    expect(outcome).toMatchObject(REFUSED);
    expect(outcome.stderr).toMatch(words);
  });
});

test("a redirect is not followed, and nothing reaches where it points", async () => {
  const elsewhere = await startProxy(server.url);
  const away: Rule = ({ path }) => ({
    status: 302,
    headers: { Location: `${elsewhere.url}${path}` },
    body: "",
  });
  expect(await rotateAgainst(victim, "redirect", away)).toMatchObject(REFUSED);
  expect(elsewhere.requests).toEqual([]);
  await elsewhere.close();
});

describe("about who the caller is, which would be signed as part of the changelog:", () => {
  const rows = [
    ["a very long name", "x".repeat(100_000)],
    ["a name of two lines", "owner\nroot"],
    ["a name in foreign letters", "öwner"],
    ["no name", ""],
  ] as const;

  test.each(rows)("%s", async (name, user) => {
    const lie: Rule = async ({ path }, forward) =>
      path.includes("/users/self/")
        ? changed(await forward(), (body) => ({ ...body, "polis-id": user }))
        : forward();
    expect(await rotateAgainst(victim, name, lie)).toMatchObject(REFUSED);
  });
});

describe("about which channel a root is of, in ats, where ci and prod differ in a threshold alone:", () => {
  const swap =
    (from: RegExp, to: (path: string) => string): Rule =>
    async ({ path }, forward) => {
      if (!from.test(path)) return forward();
      const headers = { "OSF-TOKEN": server.adminToken };
      const response = await fetch(`${server.url}${to(path)}`, { headers });
      return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
    };
  const rows: readonly (readonly [string, Rule])[] = [
    // Believed, the owner's tool signs a prod root whose targets one online key can sign.
    ["ci's for prod", swap(/\.root\.json\?production=1$/, (path) => path.split("?")[0] ?? "")],
    ["prod's for ci", swap(/\.root\.json$/, (path) => `${path}?production=1`)],
  ];

  test.each(rows)("%s", async (name, lie) => {
    const swapped = await makeVictim(server, `swap-${name.length}-${name.slice(0, 2)}`, "ats");
    expect(await rotateAgainst(swapped, name, lie)).toMatchObject(REFUSED);
  });
});

test("without a lie the same archive is rotated: it was the lies that were refused", async () => {
  const { owner } = victim;
  expect(await runCli(["keys", "rotate", owner.archive], owner)).toMatchObject({ code: 0 });
});
