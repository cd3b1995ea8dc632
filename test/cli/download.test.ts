/**
 * `keys download` confirms, and so has the service destroy its copy, only when the right archive is
 * safely on disk; whatever goes wrong before leaves the way open for the next run.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeArchive } from "../../lib/archive/archive.ts";
import { sealArchive } from "../../lib/delivery/sealing.ts";
import { fromBase64Url, sha256 } from "../../lib/tuf/bytes.ts";
import { changed, startProxy, type Reply, type Rule } from "../support/cli-proxy.ts";
import { deliveryState, download, downloadVia, mailLink, saved } from "../support/cli-link.ts";
import type { Mailed } from "../support/cli-link.ts";
import { NO_LINKS, onlyJson, runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { linkParts } from "../support/owner.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

async function expectNextRunCompletes(mailed: Mailed, args?: readonly string[]): Promise<void> {
  const done = onlyJson(await download(mailed, {}, args));
  expect(done).toMatchObject({ state: "live", ownerToken: expect.stringMatching(/^rw_/) });
  expect(await deliveryState(mailed)).toBe("confirmed");
}

test("nothing is left beside the archive, and the hash told is the file's", async () => {
  const mailed = await mailLink(server, "clean");
  const done = onlyJson(await download(mailed));
  expect(saved(mailed)).toEqual({ sha256: done["sha256"], left: [] });
});

test("it needs no hard links, and still replaces no file", async () => {
  const mailed = await mailLink(server, "no-links");
  const options = { node: ["--import", NO_LINKS] };
  const done = onlyJson(await download(mailed, options));
  expect(saved(mailed)).toEqual({ sha256: done["sha256"], left: [] });
  const other = await mailLink(server, "no-links-again");
  // It comes while the archive is on its way, after the look at the beginning.
  const meanwhile = downloadVia(
    other,
    () => async (request, forward) => {
      if (request.path.startsWith("/download/archive/")) writeFileSync(other.output, "other");
      return forward();
    },
    undefined,
    options,
  );
  expect(await meanwhile).toMatchObject({ code: 1, stdout: "" });
  expect(readFileSync(other.output, "utf8")).toBe("other");
});

describe("a link that is none is refused without a request:", () => {
  const rows: readonly (readonly [string, (link: string) => string])[] = [
    ["cut off by one character", (link) => link.slice(0, -1)],
    ["one character too many", (link) => `${link}A`],
    ["without its secret", (link) => link.split("#")[0] ?? ""],
    ["another path", (link) => link.replace("/download#", "/upload#")],
    ["another scheme", (link) => link.replace("http:", "file:")],
    ["broken over two lines", (link) => link.replace("#", "\n#")],
    ["a command in its path", (link) => link.replace("/download", "/$(id)/download")],
    ["nothing", () => ""],
  ];

  test.each(rows)("%s", async (_, spoil) => {
    const proxy = await startProxy(server.url);
    const input = spoil(`${proxy.url}/download#${"A".repeat(43)}`);
    const result = await runCli(["keys", "download", "-"], { cwd: server.folder, input });
    await proxy.close();
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("not a download link: expected https://HOST/download#SECRET");
    expect(result.stderr).not.toContain("AAAA");
    expect(proxy.requests).toEqual([]);
  });
});

test("a token that is none is not put into a command that the owner is told to run", async () => {
  const mailed = await mailLink(server, "injected");
  const result = await downloadVia(mailed, () => async ({ path }, forward) => {
    const reply = await forward();
    if (path !== "/download/confirm") return reply;
    return changed(reply, (body) => ({ ...body, ownerToken: "rw_; touch owned; #" }));
  });
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(existsSync(mailed.output)).toBe(true);
  await expectNextRunCompletes(mailed);
});

test("a file in the way is refused before anything is claimed", async () => {
  const mailed = await mailLink(server, "in-the-way");
  writeFileSync(mailed.output, "precious");
  const result = await download(mailed);
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain("exists already; nothing was claimed");
  expect(readFileSync(mailed.output, "utf8")).toBe("precious");
  expect(await deliveryState(mailed)).toBe("ready");
  rmSync(mailed.output);
  await expectNextRunCompletes(mailed);
});

test("a file in the way of the default name costs nothing, and the hint helps", async () => {
  const mailed = await mailLink(server, "default-name");
  writeFileSync(join(mailed.folder, "default-name.tgz"), "precious");
  const result = await download(mailed, {}, []);
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain("move it away, or name another file with -o");
  expect(["ready", "claimed"]).toContain(await deliveryState(mailed));
  const elsewhere = join(mailed.folder, "elsewhere");
  mkdirSync(elsewhere);
  await expectNextRunCompletes(mailed, ["-o", join(elsewhere, "key.tgz")]);
});

test("a folder that is not there is found out before the claim", async () => {
  const mailed = await mailLink(server, "no-folder");
  const args = ["-o", join(mailed.folder, "missing", "key.tgz")];
  expect(await download(mailed, {}, args)).toMatchObject({ code: 2, stdout: "" });
  expect(await deliveryState(mailed)).toBe("ready");
});

test("a file that cannot be written is not confirmed", async () => {
  const mailed = await mailLink(server, "blocked");
  const file = join(mailed.folder, "blocked.tgz");
  mkdirSync(file);
  expect(await download(mailed, {}, [])).toMatchObject({ code: 1, stdout: "" });
  expect(await deliveryState(mailed)).toBe("claimed");
  rmSync(file, { recursive: true });
  await expectNextRunCompletes(mailed, []);
});

test("a disk that is full is not confirmed, and leaves no half of a file", async () => {
  const mailed = await mailLink(server, "full");
  // A limit of the shell: no file longer than one block, so the note fits and the archive does not.
  const limited = 'ulimit -f 1 && exec "$0" "$@"';
  const result = await download(mailed, { through: ["sh", "-c", limited] });
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(existsSync(mailed.output)).toBe(false);
  expect(await deliveryState(mailed)).toBe("claimed");
  await expectNextRunCompletes(mailed);
});

describe("what comes in the archive's place is neither kept nor confirmed:", () => {
  const toClaim = (change: (body: Record<string, unknown>) => Record<string, unknown>): Rule => {
    return async ({ path }, forward) =>
      path === "/download/claim" ? changed(await forward(), change) : forward();
  };
  const zero = "0".repeat(64);
  const rows: readonly (readonly [string, Rule])[] = [
    ["an object of another kind", toClaim((b) => ({ ...b, archiveUrl: `${server.url}/healthz` }))],
    ["nothing", toClaim((b) => ({ ...b, archiveUrl: `${server.url}/nowhere` }))],
    ["another share", toClaim((b) => ({ ...b, share: "A".repeat(43) }))],
    ["a share that is none", toClaim((b) => ({ ...b, share: "!" }))],
    ["another hash", toClaim((b) => ({ ...b, sha256: zero }))],
    ["another Factory", toClaim((b) => ({ ...b, factory: "other" }))],
    ["another root version 1", toClaim((b) => ({ ...b, roots: { main: zero } }))],
    ["no root version 1", toClaim((b) => ({ ...b, roots: {} }))],
    ["words", async ({ path }, next) => (path === "/download/claim" ? words : next())],
  ];
  const words: Reply = { status: 200, body: "hello" };

  test.each(rows)("%s", async (name, rule) => {
    const mailed = await mailLink(server, `lie-${rows.findIndex(([row]) => row === name)}`);
    const result = await downloadVia(mailed, () => rule);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.requests).not.toContain("POST /download/confirm");
    expect(existsSync(mailed.output)).toBe(false);
    await expectNextRunCompletes(mailed);
  });

  test("an archive well sealed, of other content", async () => {
    const mailed = await mailLink(server, "forged");
    const { secret } = linkParts(mailed.link);
    const archive = await writeArchive(new Map([["hello", new Uint8Array(2000)]]));
    const state = { object: new Uint8Array() as Uint8Array };
    const host = await startProxy(server.url, () => ({ status: 200, body: state.object }));
    const forge: Rule = async ({ path }, forward) => {
      const reply = await forward();
      if (path !== "/download/claim") return reply;
      const body = JSON.parse(Buffer.from(reply.body).toString()) as Record<string, unknown>;
      const share = fromBase64Url(String(body["share"])) ?? new Uint8Array();
      state.object = await sealArchive(archive, { secret, share }, new Uint8Array(12));
      return changed(reply, () => ({ ...body, sha256: sha256(archive), archiveUrl: host.url }));
    };
    const result = await downloadVia(mailed, () => forge);
    await host.close();
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.requests).not.toContain("POST /download/confirm");
    expect(existsSync(mailed.output)).toBe(false);
    await expectNextRunCompletes(mailed);
  });
});

test.each([
  ["up and out", "../escaped.tgz"],
  ["an absolute path", "/escaped.tgz"],
  ["a hidden file", ".profile"],
])("a service does not choose where the file goes: %s", async (_, filename) => {
  const name = `path-${filename.replaceAll(/\W/g, "")}-${filename.length}`;
  const mailed = await mailLink(server, name);
  // Never outside of this test's own folders, whatever the command does.
  const told = filename.startsWith("/") ? join(server.folder, name) : filename;
  const lie: Rule = async ({ path }, forward) =>
    path === "/download/claim"
      ? changed(await forward(), (body) => ({ ...body, filename: told }))
      : forward();
  const result = await downloadVia(mailed, () => lie, []);
  expect(existsSync(join(mailed.folder, told))).toBe(false);
  expect(existsSync(told)).toBe(false);
  if (result.code === 0) expect(onlyJson(result)["file"]).toBe(join(mailed.folder, `${name}.tgz`));
  else expect(result.requests).not.toContain("POST /download/confirm");
});
