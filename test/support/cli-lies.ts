/**
 * A root chain for lies to be told about: an owner whose archive trusts version 2, and a version 3
 * that the owner's key signed and that keeps this key, so an honest service's answer is followed and
 * every refusal is one of the lie.
 */
import { existsSync, readFileSync } from "node:fs";
import { jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { channelsOf } from "../../lib/tuf/dialect.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import type { Root } from "../../lib/tuf/root.ts";
import { chainOf, copyOwner, makeOwner, signerOf, via, type Owner } from "./cli-owner.ts";
import { changed, startProxy, type Reply, type Rule } from "./cli-proxy.ts";
import { runCli, startCli } from "./cli.ts";
import type { TestServer } from "./embedded.ts";
import { signRoot, submit } from "./owner.ts";

export interface Victim {
  readonly owner: Owner;
  /** The one key in force. */
  readonly key: SigningKey;
  /** Version 3 of the first channel. */
  readonly root: Root;
}

export async function makeVictim(
  server: TestServer,
  factory: string,
  dialect: Dialect = "tuf",
): Promise<Victim> {
  const owner = await makeOwner(server, factory, { dialect });
  const rotated = await runCli(["keys", "rotate", owner.archive], owner);
  if (rotated.code !== 0) throw new Error(rotated.stderr);
  const channels = channelsOf(dialect);
  const signers: SigningKey[] = [];
  for (const channel of channels) {
    const second = (await chainOf(owner, channel)).at(-1);
    if (second === undefined) throw new Error(`${factory} ${channel} has no root`);
    const key = await signerOf(owner, second);
    signers.push(key);
    const body = signRoot(successor(second), [key], dialect);
    const query = channel === "prod" ? "?production=1" : "";
    const answer = await submit(server, factory, body, query);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer));
  }
  const [channel = "main"] = channels;
  const root = (await chainOf(owner, channel)).at(-1);
  const [key] = signers;
  if (root === undefined || key === undefined) throw new Error(`${factory} has no version 3`);
  return { owner, key, root };
}

/** The `signed` after `root`: the same one version on, without its changelog. */
export function successor(root: Root): JsonObject {
  const { "x-changelog": _, ...signed } = root.signed;
  return jsonObject({ ...signed, version: root.version + 1 });
}

/** A run must end; one that a lie keeps going is ended here, and has no exit code. */
const LONGEST_RUN = 10_000;

/** What a run came to whose answers were lies. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Signatures travel in no other request. */
  readonly signed: number;
  /** What the run left beside an unchanged archive, or "the archive" where that changed. */
  readonly touched: readonly string[];
}

/**
 * Rotates with a copy of the victim's archive, against a service that lies and that never gets what
 * the run sends: so one lie that is believed does not spoil the next.
 */
export async function rotateAgainst({ owner }: Victim, name: string, lie: Rule): Promise<Outcome> {
  const copy = copyOwner(owner, name.replaceAll(/\W+/g, "-"));
  const proxy = await startProxy(owner.server.url, (request, forward) =>
    request.method === "GET" ? lie(request, forward) : null,
  );
  const run = startCli(["keys", "rotate", copy.archive], via(copy, proxy.url));
  const guard = setTimeout(() => void run.kill(), LONGEST_RUN);
  const result = await run.result;
  clearTimeout(guard);
  await proxy.close();
  const same = readFileSync(copy.archive).equals(readFileSync(owner.archive));
  const left = [".bak", ".tmp"].filter((end) => existsSync(copy.archive + end));
  return {
    ...result,
    signed: proxy.signed(),
    touched: [...(same ? [] : ["the archive"]), ...left],
  };
}

/** Refused, nothing sent, nothing touched. */
export const REFUSED = { code: 1, stdout: "", signed: 0, touched: [] };

export interface LogAnswer {
  readonly head: { readonly seq: number; readonly sha256: string };
  readonly events: readonly string[];
  readonly next: number | null;
}

/** An answer of the audit log, changed. */
export function changedLog(reply: Reply, change: (log: LogAnswer) => LogAnswer): Reply {
  return changed(reply, (body) => ({ ...change(body as unknown as LogAnswer) }));
}

/** The log as it was when `events[index]` was the newest. */
export function frozenLog({ events }: LogAnswer, index = 0): LogAnswer {
  const newest = events[index] ?? "";
  const { seq } = JSON.parse(newest) as { readonly seq: number };
  const head = { seq, sha256: hash(newest) };
  return { head, events: events.slice(0, index + 1), next: null };
}

/** The log as it was before the newest event of a type. */
export function logBefore(log: LogAnswer, type: string): LogAnswer {
  return frozenLog(log, log.events.findLastIndex((text) => text.includes(`"${type}"`)) - 1);
}

/** The log with event `index` changed and every later one linked anew, as a forger would. */
export function rewrittenLog(log: LogAnswer, index: number): LogAnswer {
  const events: string[] = [];
  for (const [at, text] of log.events.entries()) {
    const event = JSON.parse(text) as Record<string, unknown>;
    const before = events[at - 1];
    const links = before === undefined || at <= index ? {} : { previous: hash(before) };
    const forged = at === index ? { actor: "token:nobody" } : {};
    events.push(JSON.stringify({ ...event, ...links, ...forged }));
  }
  return { ...log, events, head: { ...log.head, sha256: hash(events.at(-1) ?? "") } };
}

function hash(text: string): string {
  return sha256(new TextEncoder().encode(text));
}
