/**
 * Talking to the service: one request, one answer. A value of an answer is taken only in its form
 * (text/forms.ts); the words of an error are the service's own, as one line each.
 */
import * as v from "valibot";
import type { JsonOperation, Operation } from "../api/operation.ts";
import { pathOf, type PathValues } from "../api/path.ts";
import { refusal } from "../api/refusals.ts";
import { STATUS } from "../api/status.ts";
import { RootwardError, type ErrorCode } from "../error.ts";
import { serviceUrl } from "../text/command.ts";
import type { Channel } from "../tuf/dialect.ts";

/** Roots, logs and archives are far below this. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/** As far as it is shown. A proxy in front may leave out the code. */
const refused = v.object({
  ...v.pick(refusal, ["message", "errors"]).entries,
  code: v.optional(refusal.entries.code, ""),
});

type Names<T> = T extends object ? Extract<keyof T, string> : never;
type Query<O extends Operation> = { readonly [N in Names<O["query"]>]?: string | number };

interface Question<O extends Operation, S> {
  readonly query?: Query<O>;
  readonly headers?: { readonly [N in Names<O["headers"]>]?: string };
  /** Bytes are sent as they are. */
  readonly body?: O["body"] extends v.GenericSchema ? v.InferInput<O["body"]> | Uint8Array : never;
  readonly answer?: S;
}

export interface ClientOptions {
  /** Scheme, host, port; a final slash is ignored. */
  readonly server: string;
  readonly token?: string | undefined;
}

/** When the service's latest answer came, in milliseconds since 1970. */
export interface AnswerTime {
  /** By the service's clock, to the second; null where it does not say. */
  readonly service: number | null;
  /** By ours. */
  readonly here: number;
}

export class Client {
  readonly server: string;
  #answerTime: AnswerTime | null = null;
  readonly #token: string | undefined;

  constructor({ server, token }: ClientOptions) {
    const url = serviceUrl(server);
    if (url === null) {
      throw new RootwardError("usage", "--server: expected http://HOST:PORT or https://HOST");
    }
    this.server = url;
    this.#token = token;
  }

  /** Null before the first answer. */
  get answerTime(): AnswerTime | null {
    return this.#answerTime;
  }

  /** @returns the body of a 2xx answer, or null for 404 */
  async find<O extends Operation>(
    operation: O,
    path: PathValues<O["path"]>,
    query: Query<O> = {},
  ): Promise<Uint8Array | null> {
    return this.#found(await this.#send(placeOf(operation, path, query), {}));
  }

  /** The same of an address that the service gave. */
  async findAt(url: string): Promise<Uint8Array | null> {
    return this.#found(await this.#send(url, {}));
  }

  /**
   * Asks for what is JSON.
   *
   * @returns the answer in the strict forms of its description, or of `answer`, which is a part of it
   */
  async call<O extends JsonOperation, S extends v.GenericSchema = O["answer"]>(
    operation: O,
    path: PathValues<O["path"]>,
    { query = {}, headers = {}, body, answer }: Question<O, S> = {},
  ): Promise<v.InferOutput<S>> {
    const bytes = body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
    const response = await this.#send(placeOf(operation, path, query), {
      method: operation.method,
      ...(body !== undefined && {
        headers: { "Content-Type": "application/json", ...headers },
        body: bytes,
      }),
    });
    const schema = answer ?? (operation.answer as v.GenericSchema as S);
    return this.#json(await this.#success(response), schema);
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const own = isPath(path);
    const url = own ? `${this.server}${path}` : this.#foreign(path);
    const headers = new Headers(init.headers);
    if (this.#token !== undefined && own) headers.set("OSF-TOKEN", this.#token);
    try {
      const response = await fetch(url, {
        ...init,
        headers,
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (own) this.#answerTime = { service: dateOf(response), here: Date.now() };
      return response;
    } catch {
      throw new RootwardError("server-unreachable", `no answer from ${this.server}`);
    }
  }

  /** A presigned URL is complete by itself, and may lead to another host. */
  #foreign(text: string): string {
    const url = URL.canParse(text) ? new URL(text) : null;
    const schemes = this.server.startsWith("https:") ? ["https:"] : ["https:", "http:"];
    if (url !== null && schemes.includes(url.protocol) && url.username + url.password === "") {
      return url.href;
    }
    throw new RootwardError("server-refused", "the service gave an address that is none");
  }

  async #found(response: Response): Promise<Uint8Array | null> {
    return response.status === 404 ? null : this.#success(response);
  }

  async #success(response: Response): Promise<Uint8Array> {
    if (response.status >= 300 && response.status < 400) {
      throw new RootwardError(
        "server-refused",
        `${this.server} redirects: give the address that it redirects to`,
      );
    }
    const bytes = await this.#body(response);
    if (response.ok) return bytes;
    const told = v.safeParse(refused, parse(bytes));
    if (!told.success) {
      throw new RootwardError("server-refused", `the service answered ${response.status}`);
    }
    const { code, message, errors = [] } = told.output;
    throw new RootwardError(isErrorCode(code) ? code : "server-refused", message, { errors });
  }

  async #body(response: Response): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let total = 0;
    try {
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        total += chunk.length;
        if (total > MAX_ANSWER_BYTES) break;
        chunks.push(chunk);
      }
    } catch {
      throw new RootwardError("server-unreachable", `the answer of ${this.server} ended early`);
    }
    if (total > MAX_ANSWER_BYTES) {
      throw new RootwardError("server-refused", "the service's answer is too large");
    }
    return Buffer.concat(chunks);
  }

  #json<const S extends v.GenericSchema>(bytes: Uint8Array, schema: S): v.InferOutput<S> {
    const parsed = v.safeParse(schema, parse(bytes));
    if (parsed.success) return parsed.output;
    throw new RootwardError(
      "server-refused",
      `${this.server} does not look like a Rootward service`,
    );
  }
}

/** The `Date` of an answer, in the one form that servers write (RFC 9110 section 5.6.7). */
function dateOf({ headers }: Response): number | null {
  const text = headers.get("date") ?? "";
  const form = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
  const time = form.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? null : time;
}

/** Whether this is a place on the service itself: `//host` is another host, and so is `.host`. */
function isPath(path: string): boolean {
  return path.startsWith("/") && !path.startsWith("//") && !path.includes("\\");
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** The codes that an answer can carry; the others are for what this machine finds. */
function isErrorCode(code: string): code is ErrorCode {
  return Object.entries(STATUS).some(([name, status]) => name === code && status !== 500);
}

/** @throws RootwardError `server-refused` for an answer about another Factory than the one asked for */
export function assertAbout(answer: { readonly factory: string }, factory: string): void {
  if (answer.factory === factory) return;
  throw new RootwardError("server-refused", "the service answered about another Factory");
}

/** The query that selects a channel of a Factory where owners' tools ask. */
export function channelQuery(channel: Channel): { readonly production?: "1" } {
  return channel === "prod" ? { production: "1" } : {};
}

function placeOf<O extends Operation>(
  operation: O,
  path: PathValues<O["path"]>,
  query: Query<O>,
): string {
  const place = pathOf<O["path"]>(operation.path, path);
  const parts = Object.entries(query).map(([name, value]) => `${name}=${String(value)}`);
  return parts.length === 0 ? place : `${place}?${parts.join("&")}`;
}
