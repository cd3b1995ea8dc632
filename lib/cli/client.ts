/** Talking to the service: one request, one answer, errors as the service's own words. */
import * as v from "valibot";
import { RootwardError, type ErrorCode } from "../error.ts";
import type { Channel } from "../tuf/dialect.ts";
import { STATUS } from "../http/status.ts";

/** Roots, logs and archives are far below this. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

const errorBody = v.object({
  code: v.optional(v.string(), ""),
  message: v.string(),
  errors: v.optional(v.array(v.string()), []),
});

export interface ClientOptions {
  /** Scheme, host, port; a final slash is ignored. */
  readonly server: string;
  readonly token?: string | undefined;
}

export class Client {
  readonly server: string;
  readonly #token: string | undefined;

  constructor({ server, token }: ClientOptions) {
    if (!/^https?:\/\/[^\s?#]+$/.test(server)) {
      throw new RootwardError("usage", "--server: expected http://HOST:PORT or https://HOST");
    }
    this.server = server.replace(/\/+$/, "");
    this.#token = token;
  }

  /** @returns the body of a 2xx answer, or null for 404 */
  async find(path: string): Promise<Uint8Array | null> {
    const response = await this.#send(path, {});
    if (response.status === 404) return null;
    return this.#success(response);
  }

  async getJson<const S extends v.GenericSchema>(
    path: string,
    schema: S,
  ): Promise<v.InferOutput<S>> {
    return this.#json(await this.#success(await this.#send(path, {})), schema);
  }

  async postJson<const S extends v.GenericSchema>(
    path: string,
    body: Uint8Array | object,
    schema: S,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<v.InferOutput<S>> {
    return this.sendJson("POST", path, body, schema, headers);
  }

  async sendJson<const S extends v.GenericSchema>(
    method: "POST" | "PUT",
    path: string,
    body: Uint8Array | object,
    schema: S,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<v.InferOutput<S>> {
    const bytes = body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
    const response = await this.#send(path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: bytes,
    });
    return this.#json(await this.#success(response), schema);
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const url = path.startsWith("http") ? path : `${this.server}${path}`;
    const headers = new Headers(init.headers);
    // A presigned URL is complete by itself, and may lead to another host.
    if (this.#token !== undefined && !path.startsWith("http")) {
      headers.set("OSF-TOKEN", this.#token);
    }
    try {
      return await fetch(url, {
        ...init,
        headers,
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new RootwardError("server-unreachable", `no answer from ${this.server}`);
    }
  }

  async #success(response: Response): Promise<Uint8Array> {
    if (response.status >= 300 && response.status < 400) {
      throw new RootwardError("server-refused", `${this.server} redirects: give its own address`);
    }
    const bytes = await this.#body(response);
    if (response.ok) return bytes;
    const told = v.safeParse(errorBody, parse(bytes));
    if (!told.success) {
      throw new RootwardError("server-refused", `the service answered ${response.status}`);
    }
    const { code, message, errors } = told.output;
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
      throw new RootwardError("server-unreachable", `the answer of ${this.server} broke off`);
    }
    if (total > MAX_ANSWER_BYTES) {
      throw new RootwardError("server-refused", "the service's answer is too large");
    }
    return Buffer.concat(chunks);
  }

  #json<const S extends v.GenericSchema>(bytes: Uint8Array, schema: S): v.InferOutput<S> {
    const parsed = v.safeParse(schema, parse(bytes));
    if (parsed.success) return parsed.output;
    throw new RootwardError("server-refused", `${this.server} answers like no Rootward service`);
  }
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

/** The path of a root as owners read it. @param version null for the newest */
export function rootPath(factory: string, channel: Channel, version: number | null): string {
  const file = version === null ? "root.json" : `${version}.root.json`;
  return `/ota/repo/${factory}/api/v1/user_repo/${file}${production(channel)}`;
}

export function submitPath(factory: string, channel: Channel): string {
  return `/ota/repo/${factory}/api/v1/user_repo/root${production(channel)}`;
}

function production(channel: Channel): string {
  return channel === "prod" ? "?production=1" : "";
}
