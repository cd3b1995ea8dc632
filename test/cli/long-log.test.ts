/** An audit log of many years: what is read of it begins with what is known, however far that is. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "../../lib/cli/client.ts";
import { readRemoteLog } from "../../lib/cli/root/remote-chain.ts";
import { decodeEvent, encodeEvent, type LogMark } from "../../lib/state/event.ts";
import { sha256, sha256Text } from "../../lib/tuf/bytes.ts";
import { jsonObject } from "../../lib/tuf/json.ts";

const KNOWN = 2_000_000;
const PAGE = 100;
const NEWER = 350;

/** The texts of the events from number `KNOWN` on. */
const texts: string[] = [];
let mark: LogMark;
let server: Server;
let client: Client;
beforeAll(async () => {
  let previous = sha256Text("the one before");
  for (let seq = KNOWN; seq <= KNOWN + NEWER; seq += 1) {
    const details = jsonObject({ roots: jsonObject({ main: jsonObject({ version: seq }) }) });
    const type = seq % 100 === 50 ? "root-accepted" : "targets-published";
    const event = { factory: "acme", seq, previous, id: "id", time: 0, type, details } as const;
    const bytes = encodeEvent({ ...event, actor: "schedule" });
    previous = sha256(bytes);
    if (seq === KNOWN) mark = { seq, sha256: previous };
    texts.push(new TextDecoder().decode(bytes));
  }
  const head = { seq: KNOWN + NEWER, sha256: previous };
  server = createServer((request, response) => {
    const from = Number(new URL(request.url ?? "", "http://any").searchParams.get("from"));
    const events = texts.slice(from - KNOWN, from - KNOWN + PAGE);
    const next = from + events.length <= head.seq ? from + events.length : null;
    response.end(JSON.stringify({ head, events, next }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  client = new Client({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
afterAll(() => {
  server.close();
});

test("after two million events the newer ones are read, and those that tell of roots are kept", async () => {
  const { events, end } = await readRemoteLog(client, "acme", mark);
  expect(end.seq).toBe(KNOWN + NEWER);
  expect(events.map((bytes) => decodeEvent(bytes).seq - KNOWN)).toEqual([50, 150, 250, 350]);
});
