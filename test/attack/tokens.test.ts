/** Who may do what: every route that needs a token refuses none, a wrong, a foreign and a weak one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, createFactory, takeOver, linkParts, type Answer } from "../support/owner.ts";

let server: TestServer;
let ownToken = "";
let foreignToken = "";
let deliveryToken = "";
beforeAll(async () => {
  server = await startServer();
  const own = await createFactory(server, "acme");
  const foreign = await createFactory(server, "other");
  foreignToken = foreign.ownerToken;
  deliveryToken = linkParts(own.link).id;
  ownToken = (await takeOver(server.url, own.link)).ownerToken;
});
afterAll(() => server.remove());

const REPO = "/ota/repo/acme/api/v1/user_repo";
const ROUTES: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/ota/factories/acme/"],
  ["GET", "/ota/factories/acme/log/"],
  ["GET", "/ota/factories/acme/users/self/"],
  ["GET", "/ota/factories/acme/users/self"],
  ["GET", `${REPO}/root.json`],
  ["GET", `${REPO}/1.root.json`],
  ["POST", `${REPO}/root`],
  ["GET", `${REPO}/root/updates`],
  ["POST", `${REPO}/root/updates`],
  ["PUT", `${REPO}/root/updates`],
  ["POST", `${REPO}/root/updates/gen-online-keys`],
  ["POST", `${REPO}/root/updates/apply`],
  ["POST", `${REPO}/root/updates/cancel`],
  ["GET", "/ota/factories/acme/first_root.sec"],
  ["GET", "/ota/factories/acme/ci-targets.pub"],
  ["GET", "/ota/factories/acme/prod-targets/"],
  ["GET", "/ota/factories/acme/wave-targets/"],
  ["GET", "/ota/factories/acme/targets/"],
  ["PUT", "/ota/factories/acme/targets/"],
  ["GET", "/ota/factories/acme/tokens/"],
  ["POST", "/ota/factories/acme/tokens/"],
  ["DELETE", "/ota/factories/acme/tokens/nothing"],
];
/** Refusals of an empty body, of a Factory with a link, of an update that is not there. */
const LET_IN = [200, 400, 404, 409, 422];

describe.each(ROUTES)("%s %s", (method, path) => {
  const send = async (token?: string) =>
    call(`${server.url}${path}`, {
      method,
      ...(["POST", "PUT"].includes(method) && { body: {} }),
      ...(token !== undefined && { token }),
    });

  test("without a token is 401", async () => {
    expect(await send()).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  });

  test("with a wrong token is 401", async () => {
    expect(await send("rw_wrong")).toMatchObject({ status: 401 });
  });

  test("with the id of a link is 401", async () => {
    expect(await send(deliveryToken)).toMatchObject({ status: 401 });
  });

  test("with another Factory's token is 403", async () => {
    expect(await send(foreignToken)).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });

  test("with the Factory's own token is let in", async () => {
    expect(LET_IN).toContain((await send(ownToken)).status);
  });

  test.each([
    ["as it is", (token: string) => token],
    ["in base64, as fioctl sends it", (token: string) => Buffer.from(token).toString("base64")],
  ])("as Authorization: Bearer too, %s", async (_name, written) => {
    const headers = { Authorization: `Bearer ${written(ownToken)}` };
    const answer = await call(`${server.url}${path}`, {
      method,
      headers,
      ...(["POST", "PUT"].includes(method) && { body: {} }),
    });
    expect(LET_IN).toContain(answer.status);
  });
});

describe("a token of an owner's CI", () => {
  const mint = async (scopes: readonly string[], by = ownToken): Promise<Answer> =>
    call(`${server.url}/ota/factories/acme/tokens/`, { token: by, body: { user: "ci", scopes } });
  const send = async (method: string, path: string, token: string): Promise<number> => {
    const body = ["POST", "PUT"].includes(method) ? { body: {} } : {};
    return (await call(`${server.url}${path}`, { method, token, ...body })).status;
  };
  const isPublishing = (method: string, path: string): boolean =>
    method === "PUT" && path.endsWith("/targets/");

  test("with targets:update alone publishes, and does nothing else", async () => {
    const { token } = (await mint(["targets:update"])).body;
    const statuses = await Promise.all(
      ROUTES.map(async ([method, path]) => [
        isPublishing(method, path),
        await send(method, path, String(token)),
      ]),
    );
    expect(statuses.filter(([publishing]) => publishing)).toEqual([[true, 400]]);
    const others = statuses.filter(([publishing]) => !publishing);
    expect(others).toHaveLength(ROUTES.length - 1);
    expect(new Set(others.map(([, status]) => status))).toEqual(new Set([403]));
  });

  test("with everything else publishes nothing, and cannot make one that does", async () => {
    const { token } = (await mint(["root:read", "root:update"])).body;
    const targets = { a: { length: 1, hashes: { sha256: "0".repeat(64) } } };
    const url = `${server.url}/ota/factories/acme/targets/`;
    const put = await call(url, { method: "PUT", token: String(token), body: { targets } });
    expect(put).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(put.body["message"]).toBe("this token lacks the scope targets:update");
    expect((await call(url, { token: ownToken })).body["targets"]).toEqual({});
    expect(await mint(["targets:update"], String(token))).toMatchObject({ status: 403 });
  });

  test("of another Factory publishes nothing here", async () => {
    const targets = { a: { length: 1, hashes: { sha256: "0".repeat(64) } } };
    const url = `${server.url}/ota/factories/acme/targets/`;
    for (const token of [foreignToken, undefined, "rw_wrong"]) {
      const by = token === undefined ? {} : { token };
      const put = await call(url, { method: "PUT", ...by, body: { targets } });
      expect([401, 403]).toContain(put.status);
    }
    expect((await call(url, { token: ownToken })).body["targets"]).toEqual({});
  });
});

test("an owner's token creates no Factory", async () => {
  const owner = { id: "x", email: "x@example.com" };
  const answer = await call(`${server.url}/ota/factories/`, {
    token: ownToken,
    body: { name: "mine", owner },
  });
  expect(answer).toMatchObject({ status: 403, body: { code: "forbidden" } });
});

test("a token of one Factory cannot tell whether another exists", async () => {
  const [there, notThere] = await Promise.all(
    ["other", "nothing"].map((name) =>
      call(`${server.url}/ota/factories/${name}/`, { token: ownToken }),
    ),
  );
  expect(there?.status).toBe(403);
  expect(notThere?.status).toBe(403);
});
