/**
 * The one door of the fuzz run: the real app in this process, on memory adapters and the real
 * signing boundary. Every request is its own process on the fleet's world. CPU time is that of the
 * whole of this process, its collector of garbage included, since nothing else happens in it.
 */
import { createApp } from "../../lib/http/app.ts";
import type { Service } from "../../lib/service/service.ts";
import type { Channel } from "../../lib/tuf/dialect.ts";
import { FACTORY } from "../support/memory-owner.ts";
import type { TestWorld } from "../support/memory-service.ts";

export interface Submission {
  readonly channel: Channel;
  readonly dryRun: boolean;
  readonly body: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Milliseconds of CPU. */
  readonly cpu: number;
  /** What the service told its operator. */
  readonly reports: readonly string[];
}

const ROOTS = `http://rootward.example/ota/repo/${FACTORY}/api/v1/user_repo`;
const PAGE = { html: "", script: "", style: "" };

/** What is other than it should be, to see that the run would notice. */
export type Changes = (service: Service) => Partial<Service>;

/** @param changes of a service that is broken on purpose */
export async function submit(
  world: TestWorld,
  token: string,
  { channel, dryRun, body }: Submission,
  changes: Changes = () => ({}),
): Promise<Answer> {
  const query = [...(channel === "prod" ? ["production=1"] : []), ...(dryRun ? ["dry-run=1"] : [])];
  return ask(world, token, `root?${query.join("&")}`, body, changes);
}

/** The current root as its owner reads it. */
export async function readCurrent(
  world: TestWorld,
  token: string,
  channel: Channel,
): Promise<Uint8Array> {
  const answer = await ask(world, token, `root.json${channel === "prod" ? "?production=1" : ""}`);
  if (answer.status !== 200) throw new Error(`reading ${channel}: ${answer.text}`);
  return new TextEncoder().encode(answer.text);
}

async function ask(
  world: TestWorld,
  token: string,
  target: string,
  body?: Uint8Array,
  changes: Changes = () => ({}),
): Promise<Answer> {
  const { service, reports } = world.start();
  const app = createApp({ service: { ...service, ...changes(service) }, page: PAGE });
  const before = process.cpuUsage();
  const response = await app.request(`${ROOTS}/${target}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "OSF-TOKEN": token, "Content-Type": "application/json" },
    ...(body !== undefined && { body: new Uint8Array(body) }),
  });
  const text = await response.text();
  const { user, system } = process.cpuUsage(before);
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, type, text, cpu: (user + system) / 1000, reports };
}
