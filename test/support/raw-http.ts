/** Requests as bytes on a socket, for what no client would send; and answers, taken apart. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export class RawClient {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  #taken = 0;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    // A cut connection is no error here.
    this.socket.on("error", () => undefined);
    this.socket.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
  }

  send(...parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts) if (this.socket.writable) this.socket.write(part);
  }

  /** All that came so far. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** @returns false where it is still open after `milliseconds` */
  async closed(milliseconds = 5000): Promise<boolean> {
    if (this.socket.closed) return true;
    const closed = new Promise((resolve) => {
      this.socket.once("close", resolve);
    });
    await Promise.race([closed, sleep(milliseconds, null, { ref: false })]);
    return this.socket.closed;
  }

  /** The next answer, by its Content-Length; null where the connection ends, or nothing comes, before it. */
  async next(milliseconds = 5000): Promise<RawAnswer | null> {
    const until = Date.now() + milliseconds;
    for (;;) {
      const rest = this.received.subarray(this.#taken);
      const found = parseAnswer(rest);
      if (found !== null) {
        this.#taken += found.length;
        return found.answer;
      }
      if (this.socket.closed || Date.now() > until) return null;
      await sleep(5);
    }
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Sends one request and gives its answer; null where there is none. */
export async function rawRequest(
  url: string,
  ...parts: readonly (string | Uint8Array)[]
): Promise<RawAnswer | null> {
  const client = new RawClient(url);
  client.send(...parts);
  const answer = await client.next();
  client.end();
  return answer;
}

/** A request without a body, with the target as it is. */
export function requestLine(method: string, target: string, headers = "Host: localhost"): string {
  return `${method} ${target} HTTP/1.1\r\n${headers}\r\n\r\n`;
}

function parseAnswer(
  bytes: Buffer,
): { readonly answer: RawAnswer; readonly length: number } | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [line = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((text) => {
      const at = text.indexOf(":");
      return [text.slice(0, at).toLowerCase(), text.slice(at + 1).trim()];
    }),
  );
  const status = Number(line.split(" ")[1]);
  // 100 Continue comes before the answer.
  const length = end + 4 + Number(status < 200 ? 0 : (headers["content-length"] ?? 0));
  if (bytes.length < length) return null;
  return {
    answer: { status, headers, text: bytes.subarray(end + 4, length).toString("utf8") },
    length,
  };
}
