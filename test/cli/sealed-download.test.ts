/**
 * `keys download` of an archive that is encrypted to its owner: confirmed only once somebody saw it
 * open, whether this run did, with the key, or its owner, with other means.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificate, rsaKey } from "../support/certificate.ts";
import { deliveryState, download, type Mailed } from "../support/cli-link.ts";
import { onlyJson, runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call } from "../support/owner.ts";

const OWNER = makeCertificate(rsaKey(2048));

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

interface Sealed extends Mailed {
  /** A file with the owner's private key. */
  readonly key: string;
}

async function sealedLink(factory: string): Promise<Sealed> {
  const { body } = await call(`${server.url}/ota/factories/`, {
    token: server.adminToken,
    body: {
      name: factory,
      dialect: "tuf",
      keyType: "ed25519",
      owner: { id: "owner", email: "owner@example.com" },
      recipientCertificate: OWNER.pem,
    },
  });
  const { url: link } = body["delivery"] as { url: string };
  const folder = join(server.folder, "downloads", factory);
  mkdirSync(folder, { recursive: true });
  const key = join(folder, "key.pem");
  writeFileSync(key, OWNER.privateKey.export({ type: "pkcs8", format: "pem" }));
  return { server, factory, link, folder, output: join(folder, "key.tgz"), key };
}

test("with the key it is opened and confirmed in one run", async () => {
  const sealed = await sealedLink("with-key");
  const done = onlyJson(await download(sealed, {}, ["--key", sealed.key]));
  expect(done).toMatchObject({ confirmed: true, state: "live", keyids: [expect.any(String)] });
  expect(existsSync(join(sealed.folder, "with-key.tgz.p7m"))).toBe(true);
});

test("a file that nobody can have opened is not confirmed, whatever its owner says", async () => {
  const sealed = await sealedLink("too-early");
  const first = onlyJson(await download(sealed, {}, ["--opened"]));
  expect(first).toMatchObject({ confirmed: false });
  expect(await deliveryState(sealed)).toBe("claimed");
  const second = onlyJson(await download(sealed, {}, ["--opened"]));
  expect(second).toMatchObject({ confirmed: true, sha256: first["sha256"] });
  expect(await deliveryState(sealed)).toBe("confirmed");
});

test("a file whose link was replaced is worth nothing, and that is said", async () => {
  const sealed = await sealedLink("replaced");
  onlyJson(await download(sealed, {}, []));
  const path = `${server.url}/ota/factories/replaced/`;
  const token = server.adminToken;
  const { body } = await call(path, { token });
  const { roles } = body as { roles: { main: { root: { sha256: string } } } };
  const replaces = roles.main.root.sha256;
  const again = { replaces, recipientCertificate: OWNER.pem };
  expect(await call(`${path}rebootstrap`, { token, body: again })).toMatchObject({ status: 201 });
  const result = await download(sealed, {}, []);
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain("this link ended with that: use the newer one");
});

test("the next step that it names opens the file, whatever the file is called", async () => {
  const sealed = await sealedLink("named");
  const args = ["keys", "download", sealed.link, "-o", sealed.output, "--key", sealed.key];
  const result = await runCli(args, { cwd: sealed.folder });
  expect(result.code).toBe(0);
  const open = /^ {2}rootward (keys open .*)$/m.exec(result.stdout)?.[1] ?? "";
  const opened = await runCli(open.split(" "), { cwd: sealed.folder });
  expect(opened).toMatchObject({ code: 0 });
  const rotated = /rootward keys rotate (.*)$/m;
  expect(rotated.exec(result.stdout)?.[1]).toBe(rotated.exec(opened.stdout)?.[1]);
});
