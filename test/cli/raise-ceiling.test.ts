/**
 * The embedded form where a clock that ran ahead was believed, as an earlier release believed it: publishing
 * is stuck, and one command at the signer's machine lets numbers go on.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onlineVersion } from "../../lib/state/schedule.ts";
import { runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { createFactory } from "../support/owner.ts";

const DAY = 86_400;
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

async function publish(name: string): Promise<{ readonly status: number; readonly text: string }> {
  const entry = { length: 1, hashes: { sha256: "a".repeat(64) } };
  const response = await fetch(`${server.url}/ota/factories/acme/targets/`, {
    method: "PUT",
    headers: { "OSF-TOKEN": server.adminToken, "Content-Type": "application/json" },
    body: JSON.stringify({ targets: { [name]: entry } }),
  });
  return { status: response.status, text: await response.text() };
}

/** What the signer's records and the service's head would say had the clock been believed. */
async function runAhead(seconds: number): Promise<number> {
  const database = new DatabaseSync(join(server.data, "signer", "signer.db"));
  database.exec(
    `UPDATE signer_versions SET version = version + ${seconds}, low = low + ${seconds}`,
  );
  const row = database.prepare("SELECT MAX(version) AS version FROM signer_versions").get();
  database.close();
  return Number(row?.["version"]);
}

function raise(...flags: readonly string[]) {
  const folder = join(server.data, "signer");
  return runCli(["signer", "raise-ceiling", "acme", "--signer-data", folder, ...flags]);
}

test("numbers that ran ahead go on above, once the operator says so, while all runs", async () => {
  await createFactory(server, "acme");
  expect((await publish("before")).status).toBe(200);
  const unneeded = await raise("--yes");
  expect([unneeded.code, unneeded.stdout]).toEqual([
    0,
    expect.stringContaining("nothing was changed"),
  ]);

  const last = await runAhead(400 * DAY);
  expect(await publish("stuck")).toMatchObject({
    status: 423,
    text: expect.stringContaining("try again in"),
  });
  const shown = await raise();
  expect(shown.code).toBe(2);
  expect(shown.stderr).toContain(`will sign version ${last + 1}`);
  expect(shown.stderr).toContain("nothing was changed");
  expect((await publish("stuck")).status).toBe(423);

  expect((await raise("--yes")).code).toBe(0);
  const published = await publish("after");
  expect(published.status).toBe(200);
  expect((JSON.parse(published.text) as { version: number }).version).toBe(last + 1);
  expect(last).toBeGreaterThan(onlineVersion(0, Date.now()) + 300 * DAY);

  const database = new DatabaseSync(join(server.data, "signer", "signer.db"));
  const lines = database.prepare("SELECT line FROM signer_log").all();
  database.close();
  expect(lines).toEqual([{ line: expect.stringContaining(`above version ${last}`) }]);
});
