/**
 * What whoever runs code in the process that serves can do to the signer: neither read its key by the
 * file system nor start a program, and ask it only for what is a request of its own.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerOn, callOver } from "../../lib/adapters/embedded/signer-channel.ts";
import { MasterKeyWrapper } from "../../lib/adapters/embedded/key-wrapper.ts";
import { servingFlags } from "../../lib/cli/serve/launch.ts";
import { answer, type Request, type Signer } from "../../lib/signing/operations.ts";
import { sha256Text, toBase64 } from "../../lib/tuf/bytes.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { TestWorld } from "../support/memory-service.ts";
import { createFactory } from "../support/owner.ts";

describe("the process that serves", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
    await createFactory(server, "acme");
  });
  afterAll(() => server.remove());

  /** What a statement of node gives there: its value, or the code of its error. */
  async function attempt(statement: string): Promise<string> {
    const { data, outbox } = server;
    const code = `try { ${statement}; console.log("done"); } catch (e) { console.log(e.code); }`;
    const flags = servingFlags({ data, outbox });
    const imports = 'import fs from "node:fs"; import { spawnSync } from "node:child_process";';
    const args = [...flags, "--input-type=module", "-e", `${imports} ${code}`];
    return (await promisify(execFile)(process.execPath, args)).stdout.trim();
  }

  const denied = "ERR_ACCESS_DENIED";

  it("reads and writes the service's own files", async () => {
    const { data, outbox } = server;
    for (const folder of [join(data, "shares"), join(data, "archives"), outbox]) {
      expect(await attempt(`fs.writeFileSync(${quoted(join(folder, "one"))}, "x")`)).toBe("done");
      expect(await attempt(`fs.readdirSync(${quoted(folder)})`)).toBe("done");
    }
    expect(await attempt(`fs.readFileSync(${quoted(join(data, "admin.token"))})`)).toBe("done");
  });

  it("reads neither the master key nor the signer's records, nor anything else", async () => {
    const { data, folder } = server;
    writeFileSync(join(folder, "elsewhere"), "x");
    for (const file of ["master.key", "signer/signer.db", "signer", "../elsewhere", "."]) {
      expect(await attempt(`fs.statSync(${quoted(join(data, file))})`)).toBe(denied);
      expect(await attempt(`fs.readFileSync(${quoted(join(data, file))})`)).toBe(denied);
      expect(await attempt(`fs.writeFileSync(${quoted(join(data, file))}, "x")`)).toBe(denied);
    }
    expect(await attempt(`fs.readFileSync("/proc/" + process.ppid + "/mem")`)).toBe(denied);
    const link = join(data, "shares", "link");
    expect(
      await attempt(`fs.symlinkSync(${quoted(join(data, "master.key"))}, ${quoted(link)})`),
    ).toBe(denied);
  });

  it("writes no code and starts no program", async () => {
    const launcher = join(import.meta.dirname, "../../lib/cli/serve/launch.ts");
    expect(await attempt(`fs.readFileSync(${quoted(launcher)})`)).toBe("done");
    expect(await attempt(`fs.writeFileSync(${quoted(launcher)}, "x", { flag: "a" })`)).toBe(denied);
    expect(await attempt(`spawnSync("true")`)).toBe(denied);
  });
});

function quoted(text: string): string {
  return JSON.stringify(text);
}

describe("a request", () => {
  const share = { purpose: "server share", delivery: sha256Text("delivery") };
  const ref = { factory: "acme", instance: "a".repeat(32), dialect: "tuf" };
  const sign = {
    operation: "sign",
    ...ref,
    channel: "main",
    version: 1,
    expires: 1,
    content: { role: "targets", targets: {} },
  };

  const master = new MasterKeyWrapper(new Uint8Array(32).fill(7));
  const { boundary } = new TestWorld().start().service;
  const signer: Signer = { id: "ab", boundary, wrapper: master };
  const reports: string[] = [];
  const ask = (request: unknown) => answer(signer, request, (what) => reports.push(what));

  it("opens a server share", async () => {
    const plain = toBase64(new Uint8Array(32).fill(3));
    const wrapped = await ask({ operation: "wrap", plain, context: share });
    expect(wrapped).toEqual({ result: expect.any(String) });
    const { result } = wrapped as { result: string };
    expect(await ask({ operation: "unwrap", wrapped: result, context: share })).toEqual({
      result: plain,
    });
    const other = { ...share, delivery: sha256Text("another") };
    expect(await ask({ operation: "unwrap", wrapped: result, context: other })).toEqual({
      error: { code: "internal", message: "internal error of the signer" },
    });
    expect(reports).toEqual(["signer: unwrap"]);
  });

  it("opens no online key", async () => {
    const context = { purpose: "online key", ...ref, role: "targets", keyid: "b".repeat(64) };
    const { dialect: _unused, ...own } = context;
    const wrapped = toBase64(await master.wrap(new Uint8Array(48).fill(5), own));
    for (const asked of [own, context, { ...share, ...own }, { ...own, ...share }, {}]) {
      expect(await ask({ operation: "unwrap", wrapped, context: asked })).toMatchObject({
        error: { code: "malformed" },
      });
    }
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a list", []],
    ["text", "sign"],
    ["no operation", {}],
    ["an unknown operation", { operation: "sign-root", ...ref }],
    ["the name of a method", { operation: "constructor" }],
    ["a member too many", { ...sign, bytes: "AAAA" }],
    ["a root", { ...sign, content: { role: "root", signed: {} } }],
    ["another role's content", { ...sign, content: { role: "snapshot", targets: {} } }],
    ["a Factory's name with a path", { ...sign, factory: "../acme" }],
    ["a channel that nobody has", { ...sign, channel: "log" }],
    ["targets that are a list", { ...sign, content: { role: "targets", targets: [] } }],
    ["a fraction", { ...sign, content: { role: "targets", targets: { a: { length: 0.5 } } } }],
    ["a negative number", { ...sign, content: { role: "targets", targets: { a: -1 } } }],
    ["bytes that are no base64", { ...sign, nextRoot: "*" }],
    ["text for a version", { ...sign, version: "1" }],
  ])("that is %s does not fit", async (_name, request) => {
    expect(await ask(request)).toEqual({
      error: { code: "malformed", message: expect.stringMatching(/^signing request does not fit/) },
    });
  });

  it("too deep to read does not end the signer", async () => {
    let deep: unknown = {};
    for (let level = 0; level < 20_000; level += 1) deep = { a: deep };
    expect(await ask({ ...sign, content: { role: "targets", targets: deep } })).toMatchObject({
      error: { code: "malformed" },
    });
  });
});

describe("the channel", () => {
  const reply = { result: 1 };
  const request: Request = { operation: "identify" };

  it("answers many questions at once, in any order, however the bytes are cut", async () => {
    const [here, there] = duplexPair({ highWaterMark: 7 });
    const held: (() => void)[] = [];
    answerOn(there, async () => {
      await new Promise<void>((resolve) => held.push(resolve));
      return { result: held.length };
    });
    const call = callOver(here);
    const asked = Array.from({ length: 20 }, () => call(request));
    while (held.length < 20) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const release of held.toReversed()) release();
    expect(await Promise.all(asked)).toHaveLength(20);
  });

  it.each<[string, Buffer]>([
    ["no JSON", framed("{")],
    ["JSON that is no object", framed("1")],
    ["null", framed("null")],
    ["a question without a number", framed('{"request":{"operation":"identify"}}')],
    ["a number that is none", framed('{"number":{"a":"aaaa"},"request":{}}')],
    ["a frame longer than any", Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ])("is closed to whoever sends %s", async (_name, bytes) => {
    const [here, there] = duplexPair();
    answerOn(there, async () => reply);
    const call = callOver(here);
    expect(await call(request)).toEqual(reply);
    here.write(bytes);
    await new Promise((resolve) => there.once("close", resolve));
    expect(there.destroyed).toBe(true);
  });

  it("takes no more questions than it can answer, and all of them in the end", async () => {
    const [here, there] = duplexPair();
    const held: (() => void)[] = [];
    answerOn(there, async () => {
      await new Promise<void>((resolve) => held.push(resolve));
      return reply;
    });
    const call = callOver(here);
    const padded = { ...request, padding: "x".repeat(70_000) } as Request;
    const asked = Array.from({ length: 200 }, () => call(padded));
    let most = 0;
    for (let done = 0; done < 200;) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      most = Math.max(most, held.length);
      for (const release of held.splice(0)) {
        release();
        done += 1;
      }
    }
    expect(await Promise.all(asked)).toHaveLength(200);
    expect(most).toBeLessThanOrEqual(65);
  });

  it("waits for no answer for ever", async () => {
    const [here] = duplexPair();
    const call = callOver(here, "gone", 20);
    await expect(call(request)).rejects.toThrow("does not answer");
    here.destroy();
  });

  it("leaves no question without an answer when it breaks", async () => {
    const [here] = duplexPair();
    const call = callOver(here, "gone");
    const asked = call(request);
    here.destroy();
    await expect(asked).rejects.toThrow("gone");
    await expect(call(request)).rejects.toThrow("gone");
  });
});

function framed(text: string): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(text.length);
  return Buffer.concat([header, Buffer.from(text)]);
}
