/**
 * The calls of each command, in order, as the client of today makes them: seen by a proxy in front of
 * the real server. What the service may rely on, and what it must answer.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startProxy, type Proxy } from "../support/cli-proxy.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { openFactory } from "../support/fioctl/factory.ts";
import { fioctl, type Fioctl } from "../support/fioctl/fioctl.ts";

let server: TestServer;
let proxy: Proxy;
/** Bodies of requests, in order of arrival. */
const bodies: string[] = [];

beforeAll(async () => {
  server = await startServer();
  proxy = await startProxy(server.url, async (request, forward) => {
    bodies.push(Buffer.from(request.body).toString());
    return forward();
  });
});
afterAll(async () => {
  await proxy.close();
  await server.remove();
});

const INIT = "POST R/root/updates";
const GET = "GET R/root/updates";
const PUT = "PUT R/root/updates";
const APPLY = "POST R/root/updates/apply";
const CANCEL = "POST R/root/updates/cancel";
const GENERATE = "POST R/root/updates/gen-online-keys";
const SELF = "GET F/users/self/";
const TARGETS = ["GET F/prod-targets/?tag=", "GET F/wave-targets/?name="];

async function begin(name: string) {
  const factory = await openFactory(server, name);
  const alice = fioctl({ ...factory.alice, url: proxy.url });
  /** What a command asks, and the bodies that it sends. */
  const calls = async (run: (alice: Fioctl) => Promise<string>) => {
    const from = proxy.requests.length;
    await run(alice);
    const requests = proxy.requests
      .slice(from)
      .map((line) =>
        line
          .replace(`/ota/repo/${name}/api/v1/user_repo`, "R")
          .replace(`/ota/factories/${name}`, "F"),
      );
    return { requests, bodies: bodies.slice(from) };
  };
  return { calls, keys: factory.file("root.tgz"), file: factory.file };
}

test("shortcuts", async () => {
  const { calls, keys } = await begin("shortcuts");
  const first = await calls((alice) =>
    alice.rotateOfflineKey({ role: "root", keys, firstTime: true }),
  );
  expect(first.requests).toEqual([INIT, GET, SELF, PUT, APPLY]);
  expect(first.bodies[0]).toBe(
    '{"first-time":true,"message":"Rotate TUF root offline signing key","shortcut":true}',
  );
  expect(first.bodies[3]).toMatch(/^\{"txid":"","ci-root":\{"signatures":\[\{"keyid":"/);
  expect(first.bodies[4]).toBe('{"txid":""}');

  const targets = await calls((alice) => alice.rotateOfflineKey({ role: "targets", keys }));
  expect(targets.requests).toEqual([INIT, GET, SELF, ...TARGETS, PUT, APPLY]);

  const all = await calls((alice) => alice.rotateAllKeys({ keys }));
  expect(all.requests).toEqual(
    [
      [INIT],
      // root key, targets key, online keys, signatures
      [GET, SELF, PUT],
      [GET, SELF, ...TARGETS, PUT],
      [GET, GENERATE, GET],
      [GET, PUT],
      [APPLY],
    ].flat(),
  );
  expect(all.bodies[10]).toBe(
    '{"key-type":"ED25519","snapshot":true,"targets":true,"timestamp":true,"txid":""}',
  );
  const unsigned = JSON.parse(all.bodies[3] ?? "") as { "ci-root": { signatures: unknown } };
  expect(unsigned["ci-root"].signatures).toEqual([]);

  const resigned = await calls((alice) => alice.resignRoot({ keys }));
  expect(resigned.requests).toEqual([INIT, GET, PUT, APPLY]);
});

test("keys tuf updates", async () => {
  const { calls, keys, file } = await begin("updates");
  const spare = file("spare.tgz");
  const steps: readonly (readonly [(alice: Fioctl) => Promise<string>, readonly string[]])[] = [
    [({ updates }) => updates.init({ changelog: "all", firstTime: true, keys }), [INIT]],
    [({ updates }) => updates.review({ show: "diff", prod: true }), [GET]],
    [({ updates }) => updates.rotateOfflineKey({ role: "root", keys }), [GET, SELF, PUT]],
    [({ updates }) => updates.addOfflineKey({ role: "targets", keys: spare }), [GET, SELF, PUT]],
    [({ updates }) => updates.setThreshold({ role: "targets", threshold: 2 }), [GET, PUT]],
    [
      ({ updates }) => updates.rotateOnlineKey({ roles: ["snapshot"], signWith: keys }),
      [GET, GENERATE, GET, PUT],
    ],
    [({ updates }) => updates.signProdTargets({ keys: spare }), [GET, ...TARGETS, PUT]],
    [({ updates }) => updates.deleteOfflineKey({ role: "targets", keys: spare }), [GET, PUT]],
    [({ updates }) => updates.sign({ keys }), [GET, PUT]],
    [({ updates }) => updates.apply(), [APPLY]],
    [({ updates }) => updates.init({ changelog: "none" }), [INIT]],
    [({ updates }) => updates.cancel(), [CANCEL]],
  ];
  for (const [run, expected] of steps) {
    const { requests } = await calls(run);
    expect(requests).toEqual(expected);
  }
  expect(bodies.at(-1)).toBe("");
});

test("reading", async () => {
  const { calls, keys, file } = await begin("reading");
  await calls((alice) => alice.rotateOfflineKey({ role: "root", keys, firstTime: true }));
  await calls((alice) => alice.rotateOfflineKey({ role: "targets", keys }));
  const shown = await calls((alice) => alice.showRoot({ prod: true }));
  expect(shown.requests).toEqual(["GET R/root.json?production=1"]);
  const roots = await calls((alice) => alice.downloadRoots({ archive: file("roots.tgz") }));
  expect(roots.requests).toEqual([1, 2, 3, 4].map((version) => `GET R/${version}.root.json`));
  const copied = await calls((alice) => alice.copyTargets({ keys, targetsKeys: file("t.tgz") }));
  expect(copied.requests).toEqual(["GET R/root.json", "GET F/ci-targets.pub"]);
});
