/**
 * What a token of no Factory whose one scope is factory:create opens, in whichever form: it makes Factories,
 * makes their first roots again, and reads their state. Every other route refuses it.
 */
import { beforeAll, expect, test } from "vitest";
import { createApp } from "../../lib/http/app.ts";
import type { InstanceId } from "../../lib/state/names.ts";
import { OPERATIONS } from "../../lib/api/api.ts";
import { pathOf } from "../../lib/api/path.ts";
import { PROVISIONER_SCOPES, type Scope } from "../../lib/state/scopes.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { bootstrapOf, FACTORY } from "../support/memory-owner.ts";
import { TestWorld } from "../support/memory-service.ts";

const world = new TestWorld();
const { service } = world.start();
const page = { html: "<p>", script: ";", style: "p{}" };
const app = createApp({ service, page, archives: { open: async () => null } });

async function ask(method: string, path: string, token = "pipeline"): Promise<Response> {
  const body = method.startsWith("P") ? { body: "{}" } : {};
  const headers = { "OSF-TOKEN": token, "Content-Type": "application/json" };
  return app.fetch(new Request(`http://fleet${path}`, { method, headers, ...body }));
}

beforeAll(async () => {
  await bootstrapOf(service, "tuf");
  const instance = world.head(FACTORY)?.instance ?? ("" as InstanceId);
  const put = async (name: string, scopes: readonly Scope[], bound = false): Promise<void> => {
    const of = bound ? { factory: FACTORY, instance } : null;
    const hash = sha256Text(name);
    await service.tokens.put({ hash, id: name, user: name, scopes, bound: of, expiresAt: null });
  };
  await put("pipeline", PROVISIONER_SCOPES);
  await put("bound", PROVISIONER_SCOPES, true);
  await put("publisher", ["targets:update"], true);
});

const STATE = `/ota/factories/${FACTORY}/`;

test("it reads a state, and learns which Factory there is not", async () => {
  const state = await ask("GET", STATE);
  expect([state.status, await state.json()]).toMatchObject([200, { factory: FACTORY }]);
  expect((await ask("GET", "/ota/factories/nothing/")).status).toBe(404);
});

test.each(["bound", "publisher"])("the state is not for one that is %s", async (name) => {
  const { status } = await ask("GET", STATE, name);
  expect(status).toBe(403);
});

test("of all routes no other but those that make first roots lets it in", async () => {
  const values = { factory: FACTORY, version: 1, token: "any" };
  const asked = OPERATIONS.filter(({ access }) => access !== "public").map(
    ({ method, path }) => [method, pathOf<string>(path, values)] as const,
  );
  const letIn: string[] = [];
  for (const [method, path] of asked) {
    const { status } = await ask(method, path);
    if (status !== 403) letIn.push(`${method} ${path} ${status}`);
  }
  expect(asked.length).toBeGreaterThan(20);
  expect([...new Set(letIn)]).toEqual([
    "POST /ota/factories/ 400",
    `POST /ota/factories/${FACTORY}/rebootstrap 400`,
    `GET ${STATE} 200`,
  ]);
});
