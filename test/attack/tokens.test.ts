/** Who may do what: every route that needs a token refuses none, a wrong, a foreign and a weak one. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, createFactory, deliver, linkParts } from "../support/owner.ts";

let server: TestServer;
let ownToken = "";
let foreignToken = "";
let deliveryToken = "";
beforeAll(async () => {
  server = await startServer();
  const own = await createFactory(server, "acme");
  const foreign = await createFactory(server, "other");
  [ownToken, foreignToken] = [own.ownerToken, foreign.ownerToken];
  deliveryToken = linkParts(own.link).id;
  await deliver(server.url, own.link);
});
afterAll(() => server.remove());

const REPO = "/ota/repo/acme/api/v1/user_repo";
const ROUTES: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/ota/factories/acme/"],
  ["GET", "/ota/factories/acme/log/"],
  ["GET", "/ota/factories/acme/users/self/"],
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
