/**
 * Roots that must not get in, through the real door: each is refused with its findings, and the
 * head, audit log included, is as it was. Rules are tested one by one in test/tuf; here it is shown
 * that nothing of a refused root is kept.
 */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeSigningKey, SigningKey } from "../../lib/crypto/signing-key.ts";
import { isJsonObject, jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import { rotatedRoot } from "../../lib/tuf/roles.ts";
import type { Root } from "../../lib/tuf/root.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  call,
  createFactory,
  deliver,
  firstKey,
  readRoot,
  rotate,
  signRoot,
  submit,
} from "../support/owner.ts";

let server: TestServer;
let current: Root;
let oldKey: SigningKey;
let newKey: SigningKey;
beforeAll(async () => {
  server = await startServer();
  const { link } = await createFactory(server, "acme");
  oldKey = firstKey(await deliver(server.url, link));
  current = await readRoot(server, "acme", "tuf", "main");
  newKey = await makeSigningKey("ed25519");
});
afterAll(() => server.remove());

function next(expires = Date.now() + 86_400_000 * 365): JsonObject {
  return rotatedRoot(current, {
    remove: [rootKey(oldKey.publicKey, "tuf").keyid],
    add: rootKey(newKey.publicKey, "tuf"),
    expires,
    changelog: { user: "admin", message: "test", time: Date.now() },
  });
}

function object(value: unknown): JsonObject {
  return isJsonObject(value as JsonObject) ? (value as JsonObject) : jsonObject({});
}

/** `signed` with role `name` listing `keyids`, and `keys` added. */
function withRole(
  signed: JsonObject,
  name: string,
  keyids: readonly string[],
  keys: JsonObject = jsonObject({}),
): JsonObject {
  const roles = object(signed["roles"]);
  const role = jsonObject({ ...object(roles[name]), keyids });
  return jsonObject({
    ...signed,
    roles: jsonObject({ ...roles, [name]: role }),
    keys: jsonObject({ ...object(signed["keys"]), ...keys }),
  });
}

const both = (): readonly SigningKey[] => [oldKey, newKey];
const stranger = new SigningKey(generateKeyPairSync("ed25519").privateKey);

const HOSTILE: readonly {
  readonly name: string;
  readonly code: string;
  readonly body: () => Uint8Array;
}[] = [
  {
    name: "signed only by the new key",
    code: "current-threshold",
    body: () => signRoot(next(), [newKey], "tuf"),
  },
  {
    name: "signed only by the old key",
    code: "new-threshold",
    body: () => signRoot(next(), [oldKey], "tuf"),
  },
  {
    name: "signed by a stranger",
    code: "current-threshold",
    body: () => signRoot(next(), [stranger], "tuf"),
  },
  {
    name: "with a skipped version",
    code: "version-skipped",
    body: () => signRoot(jsonObject({ ...next(), version: 3 }), both(), "tuf"),
  },
  {
    name: "already expired",
    code: "expires-passed",
    body: () => signRoot(next(Date.now() - 1000), both(), "tuf"),
  },
  {
    name: "that expires in eleven years",
    code: "expires-too-far",
    body: () => signRoot(next(Date.now() + 11 * 366 * 86_400_000), both(), "tuf"),
  },
  {
    name: "with a swapped online key",
    code: "online-keys",
    body: () => {
      const { keyid, object: key } = rootKey(stranger.publicKey, "tuf");
      const signed = withRole(next(), "timestamp", [keyid], jsonObject({ [keyid]: key }));
      return signRoot(signed, both(), "tuf");
    },
  },
  {
    name: "with a key of the service in the root role",
    code: "service-key-in-root",
    body: () => {
      const added = rootKey(newKey.publicKey, "tuf").keyid;
      const [online = ""] = current.roles.timestamp.keyids;
      return signRoot(withRole(next(), "root", [added, online]), both(), "tuf");
    },
  },
];

async function state(): Promise<unknown> {
  const { body } = await call(`${server.url}/ota/factories/acme/`, { token: server.adminToken });
  return body;
}

test.each(HOSTILE)("a root $name is refused, and nothing changes", async ({ code, body }) => {
  const before = await state();
  for (const query of ["", "?dry-run=1"]) {
    const answer = await submit(server, "acme", body(), query);
    expect(answer).toMatchObject({ status: 422, body: { code: "root-refused" } });
    const issues = answer.body["issues"] as { code: string }[];
    expect(issues.map((issue) => issue.code)).toContain(code);
    expect(answer.body["errors"]).toHaveLength(issues.length);
  }
  expect(await state()).toEqual(before);
});

test("a root with a private key in it is refused, and the key is not repeated", async () => {
  const secret = stranger.toArchiveText();
  const keyval = jsonObject({ private: secret });
  const signed = jsonObject({ ...next(), "x-note": jsonObject({ keyval }) });
  const answer = await submit(server, "acme", signRoot(signed, both(), "tuf"));
  expect(answer).toMatchObject({ status: 422, body: { issues: [{ code: "private-key" }] } });
  expect(JSON.stringify(answer.body)).not.toContain(secret);
  expect(server.log.join("\n")).not.toContain(secret);
});

test("an older version with other content is 409, the same root again is no change", async () => {
  const { body } = await rotate(current, oldKey);
  expect(await submit(server, "acme", body, "?dry-run=1")).toMatchObject({
    status: 200,
    body: { version: 2, changed: false },
  });
  expect(await submit(server, "acme", body)).toMatchObject({ body: { version: 2, changed: true } });
  const after = await state();
  expect(await submit(server, "acme", body)).toMatchObject({
    status: 200,
    body: { version: 2, changed: false },
  });
  const other = await rotate(current, oldKey);
  expect(await submit(server, "acme", other.body)).toMatchObject({
    status: 409,
    body: { code: "version-conflict", currentVersion: 2 },
  });
  expect(await state()).toEqual(after);
});
