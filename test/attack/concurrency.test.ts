/** Many at once: exactly one claimant and exactly one next root win, and everybody else is told. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { nextInChain } from "../../lib/tuf/chain.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  call,
  claim,
  confirm,
  createFactory,
  deliver,
  fetchArchive,
  firstKey,
  newClaimant,
  readRoot,
  repoUrl,
  rotate,
  submit,
} from "../support/owner.ts";

const MANY = 50;
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

test("of 50 claims of one link at once, one wins and 49 are refused", async () => {
  const { link } = await createFactory(server, "claimed");
  const claimants = Array.from({ length: MANY }, newClaimant);
  const answers = await Promise.all(claimants.map((who) => claim(server.url, link, who)));
  const won = answers.findIndex(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 410);
  expect(won).toBeGreaterThanOrEqual(0);
  expect(refused).toHaveLength(MANY - 1);
  for (const { body } of refused) expect(body).toMatchObject({ code: "delivery-used" });
  for (const { body } of refused) expect(body).not.toHaveProperty("share");
  const winner = claimants[won] ?? "";
  const archive = await fetchArchive(link, await claim(server.url, link, winner));
  expect(await confirm(server.url, link, winner, archive)).toMatchObject({ status: 200 });
});

test("of 50 different valid next roots at once, one is accepted and 49 get 409", async () => {
  const { link } = await createFactory(server, "raced");
  const key = firstKey(await deliver(server.url, link));
  const first = await readRoot(server, "raced", "tuf", "main");
  const rotations = await Promise.all(Array.from({ length: MANY }, () => rotate(first, key)));
  const answers = await Promise.all(rotations.map(({ body }) => submit(server, "raced", body)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  const lost = answers.filter(({ status }) => status === 409);
  expect(lost).toHaveLength(MANY - 1);
  for (const { body } of lost) {
    expect(body).toMatchObject({ code: "version-conflict", currentVersion: 2 });
  }
  const next = await fetch(repoUrl(server.url, "raced", "2.root.json"), {
    headers: { "OSF-TOKEN": server.adminToken },
  });
  const policy = { dialect: "tuf", channel: "main", reading: "strict" } as const;
  const bytes = new Uint8Array(await next.arrayBuffer());
  expect(nextInChain(first, bytes, policy, verifySignature).root.version).toBe(2);
  const third = await call(repoUrl(server.url, "raced", "3.root.json"), {
    token: server.adminToken,
  });
  expect(third.status).toBe(404);
});

test("of 20 bootstraps of one name at once, one creates it", async () => {
  const bodies = Array.from({ length: 20 }, (_, i) => ({
    name: "contested",
    dialect: "tuf",
    keyType: "ed25519",
    owner: { id: `owner-${i}`, email: "owner@example.com" },
  }));
  const answers = await Promise.all(
    bodies.map((body) => call(`${server.url}/ota/factories/`, { token: server.adminToken, body })),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
});
