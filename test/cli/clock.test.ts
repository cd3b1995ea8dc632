/**
 * A root lives as long as this machine's clock says. Where the clocks differ, nothing is signed without
 * the owner's word; and no answer of the service moves what is signed.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeOwner, rotateArchive, via, type Owner } from "../support/cli-owner.ts";
import { startProxy, type Rule } from "../support/cli-proxy.ts";
import { runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

const DAY = 86_400_000;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

/** Answers with the date that a clock `ahead` of ours gives, or with this text. */
function dated(date: number | string): Rule {
  return async (_, forward) => {
    const reply = await forward();
    const text = typeof date === "string" ? date : new Date(Date.now() + date).toUTCString();
    return { ...reply, headers: { ...reply.headers, Date: text } };
  };
}

async function rotateAt(owner: Owner, date: number | string, ...args: readonly string[]) {
  const proxy = await startProxy(server.url, dated(date));
  const before = readFileSync(owner.archive);
  const result = await rotateArchive(via(owner, proxy.url), ...args);
  await proxy.close();
  const touched = !before.equals(readFileSync(owner.archive));
  return { ...result, signed: proxy.signed(), touched };
}

const EXPIRES = /^root {9}version \d+, until (\S+)$/m;

describe("keys rotate, where the service's clock", () => {
  const rows: readonly (readonly [string, number | string, RegExp])[] = [
    ["is ten minutes ahead", 600_000, /UTC, 10 minutes ahead of this machine's/],
    ["is hours behind", -5 * 3_600_000, /UTC, 5 hours behind this machine's/],
    ["is years behind", -400 * DAY, /UTC, 400 days behind this machine's/],
    ["is years ahead", 4000 * DAY, /UTC, 4000 days ahead of this machine's/],
    ["is not told", "", /do not give the time/],
    ["is told in words", "tomorrow", /do not give the time/],
    ["is told in another form", "2026-11-30T23:00:00Z", /do not give the time/],
  ];

  test.each(rows)("%s", async (name, date, words) => {
    const owner = await makeOwner(server, `clock-${rows.findIndex(([row]) => row === name)}`);
    const refused = await rotateAt(owner, date);
    expect(refused).toMatchObject({ code: 1, stdout: "", signed: 0, touched: false });
    expect(refused.stderr).toMatch(words);
    expect(refused.stderr).toMatch(
      /this machine's clock says \d+ [A-Z][a-z]+ \d{4}, \d\d:\d\d UTC/,
    );
    expect(refused.stderr).toContain("--clock-is-right");
    // The owner's word lets it go on, and moves nothing: a year from this machine's clock.
    const done = await rotateAt(owner, date, "--clock-is-right");
    expect(done).toMatchObject({ code: 0 });
    const until = Date.parse(EXPIRES.exec(done.stdout)?.[1] ?? "");
    expect(Math.abs(until - Date.now() - 365 * DAY)).toBeLessThan(60_000);
  });

  test("is a minute off, which is nothing", async () => {
    const owner = await makeOwner(server, "clock-near");
    expect(await rotateAt(owner, 60_000)).toMatchObject({ code: 0 });
  });
});

test("an event that is later than this machine's clock stops it, too", async () => {
  const later = await startServer(undefined, 2 * DAY);
  const owner = await makeOwner(later, "later");
  const refused = await rotateArchive(owner);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/the newest root or event is of .* UTC, which is later/);
  await later.remove();
});

test("keys sign is stopped in the same way", async () => {
  const owner = await makeOwner(server, "clock-sign");
  const updates = `${server.url}/ota/repo/clock-sign/api/v1/user_repo/root/updates`;
  const headers = { "OSF-TOKEN": owner.env.ROOTWARD_TOKEN, "Content-Type": "application/json" };
  await fetch(updates, { method: "POST", headers, body: '{"message":"hello"}' });
  const proxy = await startProxy(server.url, dated(-DAY));
  const { env } = via(owner, proxy.url);
  const sign = ["keys", "sign", owner.archive];
  const shown = await runCli(sign, { env });
  const digest = /--accept-changes ([0-9a-f]{64})/.exec(shown.stderr)?.[1] ?? "";
  const refused = await runCli([...sign, "--accept-changes", digest], { env });
  await proxy.close();
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("nothing was signed: one of the clocks is wrong");
  expect(proxy.signed()).toBe(0);
});
