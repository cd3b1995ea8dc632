/**
 * A service that lies about the audit log, of which the archive remembers an event. History that was
 * rewritten, cut off or hidden stops `keys rotate` before anything is signed.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { changedLog, frozenLog, makeVictim, REFUSED } from "../support/cli-lies.ts";
import { rewrittenLog, rotateAgainst, type LogAnswer, type Victim } from "../support/cli-lies.ts";
import type { Reply, Rule } from "../support/cli-proxy.ts";
import { runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

let server: TestServer;
let victim: Victim;
beforeAll(async () => {
  server = await startServer();
  victim = await makeVictim(server, "acme");
});
afterAll(() => server.remove());

function answer(lie: (reply: Reply) => Reply): Rule {
  return async ({ path }, forward) => (path.includes("/log/") ? lie(await forward()) : forward());
}

function log(lie: (log: LogAnswer) => LogAnswer): Rule {
  return answer((reply) => changedLog(reply, lie));
}

const NOTHING: LogAnswer = { head: { seq: 2, sha256: "0".repeat(64) }, events: [], next: null };
const broken = /does not (?:follow|end where the service says)/;
const rows: readonly (readonly [string, Rule, RegExp])[] = [
  ["cut off before what was seen", log(() => NOTHING), /history was rewritten/],
  // The newer root is served all the same: whoever reads both knows.
  ["cut off at what was seen, beside a newer root", log((all) => frozenLog(all)), /audit log/],
  [
    "rewritten from what was seen on",
    log((all) => rewrittenLog(all, 0)),
    /is not the one that was seen before: history was rewritten/,
  ],
  ["an event changed", log((all) => ({ ...rewrittenLog(all, 1), head: all.head })), broken],
  ["an event left out", log((all) => ({ ...all, events: all.events.toSpliced(1, 1) })), broken],
  [
    "the newest event left out",
    log((all) => ({ ...all, events: all.events.slice(0, -1) })),
    broken,
  ],
  [
    "events in another order",
    log((all) => ({ ...all, events: all.events.toReversed() })),
    /log|seen/,
  ],
  ["the same page for ever", log((all) => ({ ...all, next: 1 })), /log/],
  ["no log", answer(() => ({ status: 200, body: "{}" })), /does not look like a Rootward service/],
  ["hidden", answer(() => ({ status: 404, body: "{}" })), /answered 404/],
];

test.each(rows)("%s", async (name, lie, words) => {
  const outcome = await rotateAgainst(victim, name, lie);
  expect(outcome).toMatchObject(REFUSED);
  expect(outcome.stderr).toMatch(words);
});

test("without a lie the same archive is rotated: it was the lies that were refused", async () => {
  const { owner } = victim;
  expect(await runCli(["keys", "rotate", owner.archive], owner)).toMatchObject({ code: 0 });
});
