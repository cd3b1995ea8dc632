/** Errors as clients read them: text, bounded, and of our own faults no more than what to do. */
import { expect, test } from "vitest";
import { isStorageFull, RootwardError } from "../../lib/error.ts";
import * as v from "valibot";
import { createApp } from "../../lib/http/app.ts";
import { appOf } from "../../lib/http/base.ts";
import { errorAnswer } from "../../lib/http/error-answer.ts";
import { readJson } from "../../lib/http/request.ts";
import { routes } from "../../lib/http/routes.ts";
import { answer as askSigner } from "../../lib/signing/operations.ts";
import { remoteBoundary } from "../../lib/signing/remote.ts";
import { TestWorld } from "../support/memory-service.ts";

const log = { report: () => undefined, requestId: () => "id" };
const full = (more: object): Error => Object.assign(new Error("secret detail"), more);

test.each([
  ["SQLite", full({ code: "ERR_SQLITE_ERROR", errcode: 13 })],
  ["a file", full({ code: "ENOSPC" })],
  ["a quota", full({ code: "EDQUOT" })],
  ["a cause", full({ cause: full({ code: "ENOSPC" }) })],
])("no room left, as %s says it, is 503 and says what to do", (_, error) => {
  const { status, body } = errorAnswer(error, log);
  expect([status, body.code]).toEqual([503, "storage-unavailable"]);
  expect(body.message).toContain("no room left on its disk");
  expect(JSON.stringify(body)).not.toContain("secret detail");
});

test.each([null, undefined, "x", full({ code: "ERR_SQLITE_ERROR", errcode: 5 }), full({})])(
  "%s is no full disk",
  (error) => {
    expect(isStorageFull(error)).toBe(false);
    expect(errorAnswer(error, log)).toMatchObject({
      status: 500,
      body: { message: "internal error" },
    });
  },
);

test("a signer without room left says so to the service, and the service to its client", async () => {
  const { service } = new TestWorld().start();
  const boundary = {
    ...service.boundary,
    trustedRoot: () => Promise.reject(full({ errcode: 13 })),
  };
  const remote = remoteBoundary((request) => askSigner({ id: "s", boundary }, request, log.report));
  const ref = { factory: "acme", instance: "0".repeat(32), dialect: "tuf", channel: "main" };
  const asked = remote.trustedRoot(ref as Parameters<typeof remote.trustedRoot>[0]);
  const error: unknown = await asked.catch((reason: unknown) => reason);
  expect(errorAnswer(error, log)).toMatchObject({
    status: 503,
    body: { code: "storage-unavailable" },
  });
});

test("a fact never takes the place of code or message", () => {
  const facts = { code: "x", message: "y", version: 3 };
  const error = new RootwardError("version-conflict", "root 3 is current", { facts });
  const { body } = errorAnswer(error, log);
  expect(body).toEqual({ code: "version-conflict", message: "root 3 is current", version: 3 });
});

test("a full database while a request is answered is 503, and is logged once", async () => {
  const { service } = new TestWorld().start();
  const reports: string[] = [];
  const app = createApp({
    service: {
      ...service,
      tokens: { ...service.tokens, find: () => Promise.reject(full({ errcode: 13 })) },
      report: (what) => void reports.push(what),
    },
    page: { html: "", script: "", style: "" },
  });
  const answer = await app.request("/ota/factories/acme/", { headers: { "OSF-TOKEN": "rw_x" } });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([503, "application/json"]);
  expect(reports).toHaveLength(1);
});

test("a body with many mistakes is told of some; one with very many values is not looked at", async () => {
  const { service } = new TestWorld().start();
  const app = appOf(service, [
    (hono) => {
      routes(hono, "/names", {
        POST: async (c) => {
          const { value } = await readJson({ c, operation: { body: v.array(v.picklist(["a"])) } });
          return c.json(value);
        },
      });
    },
  ]);
  const post = async (
    body: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const answer = await app.request("/names", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const many = await post(Array.from({ length: 900 }, (_, i) => i));
  expect(many).toMatchObject({ status: 400, body: { code: "malformed" } });
  const errors = many.body["errors"] as unknown[];
  expect([errors.length, errors.at(-1)]).toEqual([21, "and 880 more"]);
  expect(errors.every((error) => typeof error === "string")).toBe(true);
  const list = Array.from({ length: 1100 }, () => "a");
  expect(await post(list)).toMatchObject({ status: 413, body: { code: "too-large" } });
  expect((await post(list.slice(200))).status).toBe(200);
});
