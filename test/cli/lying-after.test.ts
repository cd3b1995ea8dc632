/**
 * A service that lies once the signed root has been sent, and what `root verify` sees of lies. The
 * archive then holds the old keys and the new one, the old archive lies beside it, and the next run
 * with an honest service ends well whatever became of the root.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pendingKeyid } from "../../lib/archive/trust.ts";
import { makeSigningKey } from "../../lib/crypto/signing-key.ts";
import { entriesOf, keysIn, makeOwner, missingKeys, via } from "../support/cli-owner.ts";
import { changedLog, logBefore, makeVictim } from "../support/cli-lies.ts";
import { startProxy, type Reply, type Rule } from "../support/cli-proxy.ts";
import { onlyJson, runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { readRoot, rotate } from "../support/owner.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

const ok = (body: object): Reply => ({ status: 200, body: JSON.stringify(body) });
const toApply =
  (lie: () => Reply): Rule =>
  ({ path }, forward) =>
    path.endsWith("/apply") ? lie() : forward();

describe("keys rotate, told a lie about what became of its root:", () => {
  const rows: readonly (readonly [string, Rule, RegExp])[] = [
    [
      "accepted, and it was thrown away",
      toApply(() => ok({})),
      /root version 2 was sent but is not in force; the archive is safe/,
    ],
    [
      "refused, with words that would draw on the terminal",
      toApply(() => ({ status: 422, body: JSON.stringify({ message: "no \u001b[2Jdone" }) })),
      /is not in force; the archive is safe[^]*\n {2}- no .*done/,
    ],
    ["an answer of 20 MB", toApply(() => ({ status: 200, body: "x".repeat(20e6) })), /error: /],
    [
      "another root in force",
      async ({ path }, forward) => {
        if (path.endsWith("/apply")) return ok({});
        if (!path.includes("/2.root.json")) return forward();
        const root = await readRoot(server, "after-3", "tuf", "main");
        const { body } = await rotate(root, await makeSigningKey("ed25519"));
        return posted.has(path) ? { status: 200, body } : (posted.add(path), forward());
      },
      /root version 2 does not follow from the trusted root/,
    ],
  ];
  /** Paths that were asked for before: the lie comes the second time. */
  const posted = new Set<string>();

  test.each(rows)("%s", async (name, rule, words) => {
    const owner = await makeOwner(server, `after-${rows.findIndex(([row]) => row === name)}`);
    const before = readFileSync(owner.archive);
    const entries = await entriesOf(owner.archive);
    const proxy = await startProxy(server.url, rule);
    const result = await runCli(["keys", "rotate", owner.archive], via(owner, proxy.url));
    await proxy.close();
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(words);
    expect(result.stderr).not.toContain("\u001b");
    const after = await entriesOf(owner.archive);
    for (const [entry, bytes] of entries) expect(after.get(entry)).toEqual(bytes);
    expect(await keysIn(owner.archive)).toHaveLength(2);
    expect(readFileSync(`${owner.archive}.bak`).equals(before)).toBe(true);
    expect(await missingKeys(owner)).toEqual([]);
    const keyid = pendingKeyid(after);
    const next = await runCli(["keys", "rotate", owner.archive, "--json"], owner);
    expect(next.stderr).toContain("the last run was cut off");
    expect(onlyJson(next)).toMatchObject({ version: 2, keyids: [keyid] });
    expect(await missingKeys(owner)).toEqual([]);
  });
});

describe("root verify sees", () => {
  const gone: Reply = { status: 404, body: '{"code":"not-found","message":"no"}' };
  const path =
    (pattern: RegExp, lie: (reply: Reply) => Reply): Rule =>
    async (request, forward) =>
      pattern.test(request.path) ? lie(await forward()) : forward();
  const rows: readonly (readonly [string, Rule, RegExp])[] = [
    [
      "a newer root withheld",
      path(/\/3\.root\.json/, () => gone),
      /main 3 .*, which is not served/,
    ],
    [
      "a root that the log does not tell of",
      path(/\/log\//, (reply) => changedLog(reply, (log) => logBefore(log, "root-accepted"))),
      /main root version 3 is not the one that the audit log tells of/,
    ],
    [
      "online roles withheld of a live Factory",
      path(/^\/repo\//, () => gone),
      /error: this host serves devices nothing of main; if .* --devices-elsewhere/,
    ],
    ["one online role withheld", path(/timestamp\.json/, () => gone), /error: /],
    [
      "an online role of another version signed by nobody",
      path(/timestamp\.json/, ({ body }) => ({
        status: 200,
        body: Buffer.from(body).toString().replace('"version":', '"version":9'),
      })),
      /main timestamp does not verify under its root/,
    ],
  ];

  test.each(rows)("%s", async (name, rule, words) => {
    const { owner } = await makeVictim(server, `see-${rows.findIndex(([row]) => row === name)}`);
    const args = ["root", "verify", "--factory", owner.factory];
    const proxy = await startProxy(server.url, rule);
    const result = await runCli(args, via(owner, proxy.url));
    await proxy.close();
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(words);
    expect(await runCli(args, owner)).toMatchObject({ code: 0 });
  });
});

describe("root verify at a host that serves no devices", () => {
  const gone: Reply = { status: 404, body: '{"code":"not-found","message":"no such path"}' };

  test("verifies the rest where it is told so, asks for nothing of theirs, and says what it left out", async () => {
    const { owner } = await makeVictim(server, "elsewhere");
    const proxy = await startProxy(server.url, ({ path }, forward) =>
      path.startsWith("/repo/") ? gone : forward(),
    );
    const args = ["root", "verify", "--factory", owner.factory];
    const bare = await runCli(args, via(owner, proxy.url));
    expect(bare).toMatchObject({ code: 1, stdout: "" });
    const before = proxy.requests.length;
    const told = await runCli([...args, "--devices-elsewhere"], via(owner, proxy.url));
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout).toContain("online roles not checked: devices have a host of their own\n");
    expect(proxy.requests.slice(before).filter((line) => line.includes(" /repo/"))).toEqual([]);
    const json = await runCli([...args, "--devices-elsewhere", "--json"], via(owner, proxy.url));
    expect(onlyJson(json)).toMatchObject({ verified: true, channels: { main: 3 }, roles: null });
    await proxy.close();
  });

  test("a newer root withheld is still seen", async () => {
    const { owner } = await makeVictim(server, "elsewhere-lies");
    const proxy = await startProxy(server.url, ({ path }, forward) =>
      path.startsWith("/repo/") || path.includes("/3.root.json") ? gone : forward(),
    );
    const args = ["root", "verify", "--factory", owner.factory, "--devices-elsewhere"];
    const result = await runCli(args, via(owner, proxy.url));
    await proxy.close();
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/main 3 .*, which is not served/);
  });
});
