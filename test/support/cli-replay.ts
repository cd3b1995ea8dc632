/**
 * The command line in this process, against answers that were recorded from a real service and of which
 * one value was replaced. So thousands of lies can be told in the time of a few runs.
 */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { run } from "../../lib/cli/program.ts";
import { startProxy } from "./cli-proxy.ts";
import type { CliResult } from "./cli.ts";

export interface Recorded {
  readonly status: number;
  readonly body: Uint8Array | string;
}

/** Where a string is in an answer: the number of the answer, and the way to it. */
export interface Place {
  readonly answer: number;
  readonly path: readonly string[];
  /** Whether the member's name is meant, and not its value. */
  readonly name: boolean;
}

/** Runs a command here. What it prints is what a person would see. */
async function runHere(args: readonly string[]): Promise<CliResult> {
  const texts = { stdout: "", stderr: "" };
  const screen = globalThis.console;
  const { log, error } = screen;
  screen.log = (text: unknown) => (texts.stdout += `${String(text)}\n`);
  screen.error = (text: unknown) => (texts.stderr += `${String(text)}\n`);
  try {
    return { code: await run(args), ...texts };
  } finally {
    Object.assign(screen, { log, error });
    process.exitCode = undefined;
  }
}

/** Runs a command against a real service. @returns what it answered, in order */
export async function record(
  url: string,
  args: readonly string[],
): Promise<{ readonly answers: readonly Recorded[]; readonly result: CliResult }> {
  const answers: Recorded[] = [];
  const proxy = await startProxy(url, async (_, forward) => {
    const { status, body } = await forward();
    const reply = { status, body: textOf(body)?.replaceAll(url, SERVER) ?? body };
    answers.push(reply);
    return placed(reply, proxy.url);
  });
  const result = await runHere(placedArgs(args, proxy.url));
  await proxy.close();
  return { answers, result };
}

/** A service that gives recorded answers in order, and then 404. */
export class Replay {
  readonly #server = createServer((request, response) => {
    request.resume();
    const { status, body } = this.#answers[this.#next] ?? { status: 404, body: "{}" };
    this.#next += 1;
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(body);
  });
  #answers: readonly Recorded[] = [];
  #next = 0;

  async run(answers: readonly Recorded[], args: readonly string[]): Promise<CliResult> {
    if (!this.#server.listening) {
      this.#server.listen(0, "127.0.0.1");
      await once(this.#server, "listening");
    }
    this.#next = 0;
    const { port } = this.#server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    this.#answers = answers.map((answer) => placed(answer, url));
    return runHere(placedArgs(args, url));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) this.#server.close();
  }
}

/** Stands for the service's address in arguments and answers. */
export const SERVER = "http://service.invalid";

function placed({ status, body }: Recorded, url: string): Recorded {
  return { status, body: textOf(body)?.replaceAll(SERVER, url) ?? body };
}

function placedArgs(args: readonly string[], url: string): readonly string[] {
  return ["--server", url, ...args.map((text) => text.replaceAll(SERVER, url))];
}

/** @returns null for what is not JSON */
function textOf(body: Recorded["body"]): string | null {
  const text = typeof body === "string" ? body : Buffer.from(body).toString();
  return text.startsWith("{") ? text : null;
}

/** Every string, number and name of a member in every JSON answer. */
export function placesIn(answers: readonly Recorded[]): readonly Place[] {
  return answers.flatMap(({ body }, answer) =>
    [...walk(parsed(body), [])].map((place) => ({ answer, ...place })),
  );
}

/** The answers with `text` at one place. */
export function withLie(
  answers: readonly Recorded[],
  { answer, path, name }: Place,
  text: string,
): readonly Recorded[] {
  return answers.map((one, at) => {
    if (at !== answer) return one;
    return { ...one, body: JSON.stringify(replaced(parsed(one.body), path, name, text)) };
  });
}

function parsed(body: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString());
  } catch {
    return null;
  }
}

function* walk(value: unknown, path: readonly string[]): Generator<Omit<Place, "answer">> {
  if (typeof value === "string" || typeof value === "number") yield { path, name: false };
  if (typeof value !== "object" || value === null) return;
  // Ten of a list stand for all.
  for (const [member, inner] of Object.entries(value).slice(0, Array.isArray(value) ? 10 : 100)) {
    if (!Array.isArray(value)) yield { path: [...path, member], name: true };
    yield* walk(inner, [...path, member]);
  }
}

function replaced(value: unknown, path: readonly string[], name: boolean, text: string): unknown {
  const [member, ...rest] = path;
  if (member === undefined) return text;
  if (Array.isArray(value)) {
    return value.map((one: unknown, at) =>
      String(at) === member ? replaced(one, rest, name, text) : one,
    );
  }
  return Object.fromEntries(
    Object.entries(value as object).map(([key, inner]: [string, unknown]) => {
      if (key !== member) return [key, inner];
      if (name && rest.length === 0) return [text, inner];
      return [key, replaced(inner, rest, name, text)];
    }),
  );
}
