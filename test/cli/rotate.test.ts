/**
 * `keys rotate` and the archive: it stays one that fioctl reads, nothing that was in it is lost, and
 * of an answer that never came the tool asks what is true.
 */
import { createPrivateKey } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pendingKeyid } from "../../lib/archive/trust.ts";
import { makeSigningKey } from "../../lib/crypto/signing-key.ts";
import { DIALECTS } from "../../lib/tuf/dialect.ts";
import {
  rotateArchive,
  chainOf,
  copyOwner,
  entriesOf,
  keysIn,
  missingKeys,
} from "../support/cli-owner.ts";
import { changeArchive, makeOwner, via, type Owner } from "../support/cli-owner.ts";
import { startProxy, type Rule } from "../support/cli-proxy.ts";
import { listTarball, tarball } from "../support/cli-tar.ts";
import { onlyJson, runCli, type CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

/** Rotates through a proxy with `rule`. */
async function rotateVia(owner: Owner, rule: Rule): Promise<CliResult> {
  const proxy = await startProxy(server.url, rule);
  try {
    return await rotateArchive(via(owner, proxy.url));
  } finally {
    await proxy.close();
  }
}

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

describe.each(DIALECTS)("an archive of dialect %s after two rotations", (dialect) => {
  test("is one that fioctl reads, with every key that was ever in it", async () => {
    const owner = await makeOwner(server, `fio-${dialect}`, { dialect });
    const first = await entriesOf(owner.archive);
    const keyids: string[] = [];
    for (const version of [2, 3]) {
      const result = onlyJson(await rotateArchive(owner, "--json"));
      expect(result).toMatchObject({ version });
      keyids.push(...(result["keyids"] as string[]));
    }
    const entries = await entriesOf(owner.archive);
    for (const name of ["tufrepo/keys/first-root.pub", "tufrepo/keys/first-root.sec"]) {
      expect(entries.get(name)).toEqual(first.get(name));
    }
    for (const keyid of keyids) {
      const [pub, sec] = ["pub", "sec"].map((half) =>
        textOf(entries.get(`tufrepo/keys/fioctl-root-${keyid}.${half}`)),
      );
      expect(pub).toMatch(/^\{"keytype":"ED25519","keyval":\{"public":"[0-9a-f]{64}"\}\}$/);
      expect(sec).toMatch(/^\{"keytype":"ED25519","keyval":\{"private":"[0-9a-f]{64}"\}\}$/);
    }
    const listed = listTarball(readFileSync(owner.archive));
    expect(listed.map(({ type, mode }) => `${type} ${mode?.toString(8)}`)).toEqual(
      listed.map(() => "0 600"),
    );
    for (const file of [owner.archive, `${owner.archive}.bak`]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    expect(await missingKeys(owner)).toEqual([]);
    expect(pendingKeyid(entries)).toBeNull();
  });
});

test("what lies in .bak is the archive as it was before the run, as with fioctl", async () => {
  const owner = await makeOwner(server, "bak");
  const before = readFileSync(owner.archive);
  expect(await rotateArchive(owner)).toMatchObject({ code: 0 });
  expect(readFileSync(`${owner.archive}.bak`).equals(before)).toBe(true);
});

test("a new RSA key is archived as PKCS#1 and SPKI PEM, as fioctl has them", async () => {
  const owner = await makeOwner(server, "rsa", { dialect: "ats" });
  const { keyids } = onlyJson(await rotateArchive(owner, "--key-type", "rsa", "--json"));
  const [keyid = ""] = keyids as string[];
  const entries = await entriesOf(owner.archive);
  const [pub, sec] = ["pub", "sec"].map(
    (half) =>
      JSON.parse(textOf(entries.get(`tufrepo/keys/fioctl-root-${keyid}.${half}`))) as {
        keytype: string;
        keyval: Record<string, string>;
      },
  );
  expect([pub?.keytype, sec?.keytype]).toEqual(["RSA", "RSA"]);
  expect(pub?.keyval["public"]).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  const pem = sec?.keyval["private"] ?? "";
  expect(pem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  expect(createPrivateKey(pem).asymmetricKeyDetails?.modulusLength).toBe(4096);
  // And it is a key to go on from.
  expect(onlyJson(await rotateArchive(owner, "--json"))).toMatchObject({ version: 3 });
});

test("an archive that fioctl wrote is read: mode 0000, folders, files of others, any order", async () => {
  const owner = await makeOwner(server, "foreign", { dialect: "ats" });
  const entries = await entriesOf(owner.archive);
  const foreign = { name: "tufrepo/credentials.zip", body: Buffer.from([0x50, 0x4b, 0, 255]) };
  const odd = { name: "tufrepo/roles/unsigned/root.json", body: "{}\n" };
  const own = [...entries].map(([name, body]) => ({ name, body })).toReversed();
  writeFileSync(
    owner.archive,
    tarball([{ name: "tufrepo/", type: "5", mode: 0o755 }, foreign, ...own, odd]),
  );
  expect(await rotateArchive(owner)).toMatchObject({ code: 0 });
  const after = await entriesOf(owner.archive);
  expect(Buffer.from(after.get(foreign.name) ?? []).equals(foreign.body)).toBe(true);
  expect(textOf(after.get(odd.name))).toBe(odd.body);
  expect(await missingKeys(owner)).toEqual([]);
});

describe("refuses, and leaves the archive alone,", () => {
  const own = /\.(?:pub|sec)$/;
  const without = (pattern: RegExp) => async (owner: Owner) =>
    changeArchive(
      owner.archive,
      (entries) => new Map([...entries].filter(([name]) => !pattern.test(name))),
    );
  const rows: readonly (readonly [string, (owner: Owner) => Promise<void>, RegExp])[] = [
    ["one without our key", without(own), /holds no key of root version 1/],
    ["one with the public half only", without(/\.sec$/), /holds no key of root version 1/],
    ["one without a trusted root", without(/root\.json$/), /carries no trusted main root/],
    ["one that says no Factory", without(/factory\.json$/), /no root that its owner trusts/],
    [
      "one that is no archive",
      async ({ archive }) => writeFileSync(archive, "hello"),
      /expected a gzipped tar/,
    ],
  ];

  test.each(rows)("%s", async (name, prepare, words) => {
    const original = await makeOwner(server, `bad-${rows.findIndex(([row]) => row === name)}`);
    const owner = copyOwner(original, "copy");
    await prepare(owner);
    const before = readFileSync(owner.archive);
    const result = await rotateArchive(owner);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(words);
    expect(readFileSync(owner.archive).equals(before)).toBe(true);
    expect(await chainOf(owner, "main")).toHaveLength(1);
  });

  test("one that is not there", async () => {
    const result = await runCli(["keys", "rotate", "nowhere.tgz"], { cwd: server.folder });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("cannot read nowhere.tgz: ENOENT");
  });
});

describe("of an answer that never came it asks what is true:", () => {
  const lost: Rule = async ({ method }, forward) => {
    const reply = await forward();
    return method === "GET" ? reply : null;
  };
  const gateway: Rule = async ({ method }, forward) => {
    const reply = await forward();
    return method === "GET" ? reply : { status: 504, body: "<html>gateway timeout</html>" };
  };
  const cut: Rule = ({ method }, forward) => (method === "PUT" ? null : forward());

  test.each(DIALECTS)("accepted, and the answer was lost (%s)", async (dialect) => {
    const owner = await makeOwner(server, `lost-${dialect}`, { dialect });
    expect(await rotateVia(owner, lost)).toMatchObject({ code: 0 });
    expect(await missingKeys(owner)).toEqual([]);
    expect(onlyJson(await rotateArchive(owner, "--json"))).toMatchObject({
      version: 3,
      resumed: false,
    });
  });

  test("accepted, and a gateway answered in the service's place", async () => {
    const owner = await makeOwner(server, "gateway");
    expect(await rotateVia(owner, gateway)).toMatchObject({ code: 0 });
    expect(await missingKeys(owner)).toEqual([]);
  });

  test.each(DIALECTS)(
    "never arrived: exit 1, and the next run has the same key (%s)",
    async (d) => {
      const owner = await makeOwner(server, `cut-${d}`, { dialect: d });
      const failed = await rotateVia(owner, cut);
      expect(failed).toMatchObject({ code: 1, stdout: "" });
      expect(failed.stderr).toMatch(/not in force; the archive is safe .* run the command again/);
      const keyid = pendingKeyid(await entriesOf(owner.archive));
      const held = await keysIn(owner.archive);
      expect(held).toHaveLength(2);
      const next = await rotateArchive(owner, "--json");
      expect(next.stderr).toContain(`the last run was cut off before its root was accepted`);
      expect(next.stderr).toContain(`going on with its key ${keyid}`);
      expect(onlyJson(next)).toMatchObject({ version: 2, keyids: [keyid] });
      expect(await keysIn(owner.archive)).toHaveLength(2);
      expect(await missingKeys(owner)).toEqual([]);
    },
  );
});

test("an archive whose key is no root key any more says which keys are", async () => {
  const owner = await makeOwner(server, "stale");
  const old = copyOwner(owner, "old");
  const { keyids } = onlyJson(await rotateArchive(owner, "--json"));
  const result = await rotateArchive(old);
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain(`holds no key of root version 2 (${(keyids as string[])[0]})`);
});

test("keys of others in the archive are neither used nor lost", async () => {
  const owner = await makeOwner(server, "others");
  const stranger = await makeSigningKey("ed25519");
  const secret = { keytype: "ED25519", keyval: { private: stranger.toArchiveText() } };
  const body = new TextEncoder().encode(JSON.stringify(secret));
  await changeArchive(owner.archive, (entries) => new Map([...entries, ["tufrepo/x.sec", body]]));
  expect(await rotateArchive(owner)).toMatchObject({ code: 0 });
  expect((await entriesOf(owner.archive)).get("tufrepo/x.sec")).toEqual(body);
});
