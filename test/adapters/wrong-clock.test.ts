/**
 * The embedded form that starts with a wrong clock, for one run of its schedule: what waits for its owner
 * survives, and publishing goes on once the clock is right.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startServer, type TestServer } from "../support/embedded.ts";
import { createFactory, stateOf, takeOver } from "../support/owner.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function files(server: TestServer, folder: string): number {
  return readdirSync(join(server.data, folder)).filter((name) => !name.startsWith(".")).length;
}

async function publish(server: TestServer, name: string): Promise<number> {
  const entry = { length: 1, hashes: { sha256: "a".repeat(64) } };
  const response = await fetch(`${server.url}/ota/factories/live/targets/`, {
    method: "PUT",
    headers: { "OSF-TOKEN": server.adminToken, "Content-Type": "application/json" },
    body: JSON.stringify({ targets: { [name]: entry } }),
  });
  await response.text();
  return response.status;
}

test.each([
  ["400 days ahead", 400 * DAY],
  ["9 hours ahead", 9 * HOUR],
  ["9 hours behind", -9 * HOUR],
])(
  "%s",
  async (_, by) => {
    let server = await startServer();
    try {
      const live = await createFactory(server, "live");
      await takeOver(server.url, live.link);
      const waiting = await createFactory(server, "waiting");
      const before = ["shares", "archives"].map((folder) => files(server, folder));
      const mails = readdirSync(server.outbox).length;

      server.setClock(by);
      server = await server.restart();
      await publish(server, "during");
      const ready = await fetch(`${server.url}/readyz`);
      expect(await ready.text()).toContain("the clock went from");
      expect(["shares", "archives"].map((folder) => files(server, folder))).toEqual(before);
      expect(readdirSync(server.outbox)).toHaveLength(mails);
      expect(server.log.join(" ")).toContain("the clock went from");

      server.setClock(-by);
      server = await server.restart();
      expect(await publish(server, "after")).toBe(200);
      expect(await stateOf(server, "waiting")).toMatchObject({ delivery: { state: "ready" } });
      const { link } = waiting;
      expect(new URL(link).pathname).toContain("download");
    } finally {
      await server.remove();
    }
  },
  60_000,
);
