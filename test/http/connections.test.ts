/**
 * What one connection, and all of them, may take: one answer at a time, however many requests are on it;
 * documents that are shared; and an end for whoever does not read, or sends a body drop by drop.
 */
import { afterEach, describe, expect, test } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { HeldBytes } from "../../lib/http/held-bytes.ts";
import { SERVER_LIMITS, type ServerLimits } from "../../lib/http/limits.ts";
import { createNodeServer, type NodeServer } from "../../lib/http/node-server.ts";
import { bytesAnswer } from "../../lib/http/bytes-answer.ts";
import { appOf } from "../../lib/http/base.ts";
import { readBody } from "../../lib/http/request.ts";
import { routes } from "../../lib/http/routes.ts";
import { TestWorld } from "../support/memory-service.ts";
import { RawClient, requestLine } from "../support/raw-http.ts";

const DOCUMENT = new Uint8Array(3_400_000).fill(0x61);

let underWay = 0;
let most = 0;
let taken = 0;
const servers: NodeServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  underWay = 0;
  most = 0;
  taken = 0;
});

/** A server of one document, one slow answer and one body. */
async function start(change: Partial<ServerLimits> = {}): Promise<string> {
  const { service } = new TestWorld().start();
  const app = appOf(service, [
    (hono) => {
      routes(hono, "/document", {
        GET: async (c) => {
          underWay += 1;
          most = Math.max(most, underWay);
          taken += 1;
          await sleep(1);
          underWay -= 1;
          return bytesAnswer(c, DOCUMENT, { "Content-Type": "text/plain" });
        },
      });
      routes(hono, "/body", {
        POST: async (c) => c.json({ length: (await readBody(c, 1_000_000)).length }),
        PUT: async (c) => c.json({ length: (await readBody(c, 65_536)).length }),
      });
    },
  ]);
  const log = { report: () => undefined, requestId: () => "id" };
  const server = createNodeServer(app.fetch, log, { ...SERVER_LIMITS, ...change });
  servers.push(server);
  return `http://127.0.0.1:${await server.listen(0, "127.0.0.1")}`;
}

const GET = requestLine("GET", "/document");

describe("pipelined requests", () => {
  test("are answered in order, one at a time, and nothing runs for those that wait", async () => {
    const url = await start();
    const client = new RawClient(url);
    client.socket.pause();
    client.send(GET.repeat(500));
    await sleep(300);
    // The first answer does not fit into what the kernel keeps for a client that does not read.
    expect(taken).toBeLessThanOrEqual(3);
    client.end();
  });

  test("are all answered, whole", async () => {
    const client = new RawClient(await start());
    client.send(GET.repeat(20));
    for (let i = 0; i < 20; i += 1) {
      const answer = await client.next(10_000);
      expect([answer?.status, answer?.text.length]).toEqual([200, DOCUMENT.length]);
    }
    expect([taken, most]).toEqual([20, 1]);
    client.end();
  });

  test("end with the last one that a connection may have", async () => {
    const client = new RawClient(await start({ requestsPerConnection: 3 }));
    client.send(requestLine("GET", "/nothing").repeat(10));
    const connections: (string | undefined)[] = [];
    for (let i = 0; i < 3; i += 1) connections.push((await client.next())?.headers["connection"]);
    expect(connections).toEqual(["keep-alive", "keep-alive", "close"]);
    expect(await client.closed()).toBe(true);
    expect(await client.next()).toBeNull();
  });

  test("beyond what all connections may have waiting cut theirs, and no other", async () => {
    const url = await start({ waitingRequests: 10 });
    const other = new RawClient(url);
    const client = new RawClient(url);
    client.socket.pause();
    client.send(GET.repeat(20));
    client.socket.resume();
    expect(await client.closed()).toBe(true);
    other.send(requestLine("GET", "/nothing"));
    expect(await other.next()).toMatchObject({ status: 404 });
    other.end();
  });
});

describe("answers that are not taken", () => {
  const short = { stallTime: 200, drainTime: 60_000 };

  test("end with their connection, and the service goes on", async () => {
    const url = await start(short);
    const clients = Array.from({ length: 20 }, () => new RawClient(url));
    for (const client of clients) {
      client.socket.pause();
      client.send(GET.repeat(3));
    }
    for (const client of clients) expect(await isCut(client)).toBe(true);
    // Not one has all three.
    expect(clients.every(({ received }) => received.length < 3 * DOCUMENT.length)).toBe(true);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });

  test("of a client that reads all the time, but too slowly, as well", async () => {
    const url = await start({ stallTime: 60_000, drainTime: 100, drainRate: 100_000_000 });
    const client = new RawClient(url);
    client.socket.pause();
    client.send(GET.repeat(3));
    expect(await isCut(client, () => void client.socket.read(10_000))).toBe(true);
    expect(client.received.length).toBeLessThan(3 * DOCUMENT.length);
  });

  test("a fast client is not cut", async () => {
    const client = new RawClient(await start(short));
    client.send(GET.repeat(5));
    for (let i = 0; i < 5; i += 1) expect((await client.next(10_000))?.status).toBe(200);
    client.end();
  });
});

describe("bodies", () => {
  const post = (method: string, length: number): string =>
    requestLine(
      method,
      "/body",
      `Host: x\r\nContent-Type: application/json\r\nContent-Length: ${length}`,
    );

  test("a small one that comes drop by drop has a time in all", async () => {
    const client = new RawClient(await start({ bodies: { time: 300, rate: 1 } }));
    client.send(post("PUT", 60_000));
    const drops = setInterval(() => client.send("x"), 20);
    expect(await client.next()).toMatchObject({ status: 408, headers: { connection: "close" } });
    expect(await client.closed()).toBe(true);
    clearInterval(drops);
  });

  test("a large one must keep up its rate", async () => {
    const url = await start({ bodies: { time: 200, rate: 200_000 } });
    const slow = new RawClient(url);
    const fast = new RawClient(url);
    slow.send(post("POST", 1_000_000));
    fast.send(post("POST", 200_000));
    const part = "x".repeat(20_000);
    for (let i = 0; i < 10; i += 1) {
      slow.send("x".repeat(100));
      fast.send(part);
      await sleep(50);
    }
    expect(await slow.next()).toMatchObject({ status: 408 });
    expect(await fast.next()).toMatchObject({ status: 200, text: '{"length":200000}' });
    for (const client of [slow, fast]) client.end();
  });

  test("one that is under way is not cut for those who read documents", async () => {
    const url = await start({ heldBytes: 1_000_000 });
    const client = new RawClient(url);
    client.send(post("POST", 500_000), "x".repeat(400_000));
    // Until it was read, and counts.
    await sleep(100);
    expect((await (await fetch(`${url}/document`)).arrayBuffer()).byteLength).toBe(DOCUMENT.length);
    client.send("x".repeat(100_000));
    expect(await client.next()).toMatchObject({ status: 200, text: '{"length":500000}' });
    client.end();
  });

  test("one that stops is 408, and one that breaks off harms nobody", async () => {
    const url = await start({ bodies: { time: 200, rate: 1 } });
    const stops = new RawClient(url);
    stops.send(post("PUT", 10), "x");
    expect(await stops.next()).toMatchObject({ status: 408 });
    const breaks = new RawClient(url);
    breaks.send(post("PUT", 10), "x");
    await sleep(50);
    breaks.end();
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });
});

describe("what is held", () => {
  test("a document counts once, and goes when the last answer is over", () => {
    const held = new HeldBytes(100);
    const [a, b] = [holder(), holder()];
    held.hold(DOCUMENT, 60, a);
    held.hold(DOCUMENT, 60, b);
    expect(held.total).toBe(60);
    held.release(a);
    expect(held.total).toBe(60);
    held.release(b);
    expect(held.total).toBe(0);
  });

  test("without room, whoever holds what was asked for longest ago is cut", () => {
    const held = new HeldBytes(100);
    const [old, popular, fresh] = [holder(), holder(), holder()];
    const documents = [{}, {}, {}] as const;
    held.hold(documents[0], 50, popular);
    held.hold(documents[1], 50, old);
    held.hold(documents[0], 50, fresh);
    held.hold(documents[2], 50, fresh);
    expect([old.isCut, popular.isCut, fresh.isCut]).toEqual([true, false, false]);
    expect(held.total).toBe(100);
  });

  test("a body grows", () => {
    const held = new HeldBytes(100);
    const [body, one] = [{}, holder()];
    for (const bytes of [10, 20, 90]) held.hold(body, bytes, one);
    expect(held.total).toBe(90);
    held.release(one);
    expect(held.total).toBe(0);
  });
});

/** Who does not read learns that the connection is gone by writing on. */
async function isCut(client: RawClient, meanwhile = (): void => undefined): Promise<boolean> {
  for (let i = 0; i < 400 && !client.socket.destroyed; i += 1) {
    client.send("G");
    meanwhile();
    await sleep(50);
  }
  return client.socket.destroyed;
}

function holder() {
  const one = {
    isCut: false,
    cut: () => {
      one.isCut = true;
    },
  };
  return one;
}
