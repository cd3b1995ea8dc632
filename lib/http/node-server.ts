/**
 * The embedded form's sockets: a Node server that lets clients take no more than limits.ts says, reads no
 * path that is not exact, and answers every error in JSON, Node's own included.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { RootwardError } from "../error.ts";
import { Connection, endWith } from "./connection.ts";
import type { ConnectionEnv } from "./connection-env.ts";
import { errorAnswer, errorResponse, plainError, type ErrorLog } from "./error-answer.ts";
import { assertExactTarget } from "./exact-path.ts";
import { HeldBytes } from "./held-bytes.ts";
import { SERVER_LIMITS, type ServerLimits } from "./limits.ts";
import { parserError } from "./parser-error.ts";
import { rawAnswer } from "./raw-answer.ts";
import { STATUS } from "../api/status.ts";

export interface NodeServer {
  /** @returns the port; @throws where it cannot listen */
  listen(port: number, host: string): Promise<number>;
  /** Lets answers under way end, for a while. */
  close(): Promise<void>;
}

/** An app of hono. */
type Fetch = (request: Request, env: ConnectionEnv) => Response | Promise<Response>;

/** The refusals during which more of the body may still be on its way. */
const BODY_REFUSED = new Set([STATUS.timeout, STATUS["too-large"]]);
const LOOK_EVERY = 1000;
const CLOSE_WITHIN = 5000;

export function createNodeServer(
  fetch: Fetch,
  log: ErrorLog,
  limits: ServerLimits = SERVER_LIMITS,
): NodeServer {
  const sockets = new Sockets(fetch, log, limits);
  const { server } = sockets;
  const look = setInterval(() => sockets.look(), Math.min(LOOK_EVERY, limits.stallTime / 4));
  look.unref();
  return {
    async listen(port, host) {
      server.listen(port, host);
      // Rejects where the server emits an error instead.
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    },
    async close() {
      clearInterval(look);
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN);
      await closed;
      clearTimeout(force);
    },
  };
}

class Sockets {
  readonly server: Server;
  readonly #limits: ServerLimits;
  readonly #log: ErrorLog;
  readonly #fetch: Fetch;
  readonly #documents: HeldBytes;
  /** Apart, since only a token may send what counts: strangers who read must not have it cut. */
  readonly #bodies: HeldBytes;
  readonly #connections = new Map<Socket, Connection>();

  constructor(fetch: Fetch, log: ErrorLog, limits: ServerLimits) {
    this.#fetch = fetch;
    this.#log = log;
    this.#limits = limits;
    this.#documents = new HeldBytes(limits.heldBytes);
    this.#bodies = new HeldBytes(limits.heldBytes);
    const listener = getRequestListener(
      (_request, { incoming, outgoing }) =>
        this.#answer(_request, incoming as IncomingMessage, outgoing as ServerResponse),
      // For HTTP/1.0 without Host, as health checks send it; #refusal knows of the others.
      { hostname: "localhost", errorHandler: (error) => this.#failed(error) },
    );
    this.server = this.#listening((incoming, outgoing) => void listener(incoming, outgoing));
  }

  /** Cuts connections that do not take an answer. */
  look(): void {
    const now = performance.now();
    for (const connection of this.#connections.values()) {
      connection.cutIfStalled(now, this.#limits);
    }
  }

  #listening(listener: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Server {
    const { connections, refusedConnections, headersTime, requestTime, idleTime } = this.#limits;
    const server = createServer({
      headersTimeout: headersTime,
      requestTimeout: requestTime,
      keepAliveTimeout: idleTime,
      // Node looks every 30 s by itself, so that any time-out is up to that much longer.
      connectionsCheckingInterval: Math.min(LOOK_EVERY, headersTime / 4),
      // Its answer would have no body: #answer has one.
      requireHostHeader: false,
    });
    server.maxConnections = connections + refusedConnections;
    server.on("connection", (socket: Socket) => this.#connected(socket));
    server.on("request", (incoming, outgoing) => {
      this.#take(incoming, outgoing, () => listener(incoming, outgoing));
    });
    server.on("checkExpectation", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.#take(incoming, outgoing, () => {
        const message = "Expect: only 100-continue is understood here";
        const { status, headers, body } = plainError("expectation-failed", message);
        const text = JSON.stringify(body);
        const length = { "Content-Length": Buffer.byteLength(text) };
        outgoing.writeHead(status, { ...headers, ...length, Connection: "close" });
        outgoing.end(text);
      });
    });
    server.on("connect", (_request: IncomingMessage, socket: Socket) => {
      const message = "the request names no path: expected one that begins with /";
      endWith(socket, rawAnswer(plainError("malformed", message)));
    });
    server.on("clientError", (error, socket) => {
      const answer = rawAnswer(parserError(error));
      const connection = this.#connections.get(socket as Socket);
      if (connection === undefined) endWith(socket, answer);
      else connection.end(answer);
    });
    return server;
  }

  #connected(socket: Socket): void {
    const { connections } = this.#limits;
    // Idle connections go first.
    if (this.#connections.size >= connections) this.server.closeIdleConnections();
    const refused = this.#open() >= connections;
    this.#connections.set(socket, new Connection(socket, refused));
    socket.once("close", () => this.#connections.delete(socket));
  }

  /** Those that are cut are in the map for a moment longer. */
  #open(): number {
    const { size } = this.#connections;
    if (size < this.#limits.connections) return size;
    return [...this.#connections.keys()].filter((socket) => !socket.destroyed).length;
  }

  #take(incoming: IncomingMessage, outgoing: ServerResponse, run: () => void): void {
    const connection = this.#connections.get(incoming.socket);
    if (connection === undefined || incoming.socket.destroyed) return;
    if (connection.taken >= this.#limits.requestsPerConnection) return;
    if (this.#waiting() >= this.#limits.waitingRequests) return connection.cut();
    connection.add(incoming, outgoing, run);
  }

  #waiting(): number {
    let count = 0;
    for (const { waiting } of this.#connections.values()) count += waiting;
    return count;
  }

  async #answer(
    request: Request,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<Response> {
    const connection = this.#connections.get(incoming.socket);
    const holder = { cut: () => connection?.cut() };
    outgoing.once("close", () => {
      this.#documents.release(holder);
      this.#bodies.release(holder);
    });
    const refusal = this.#refusal(incoming, connection?.refused ?? false);
    const response =
      refusal ??
      (await this.#fetch(request, {
        holdDocument: (what, bytes) => this.#documents.hold(what, bytes, holder),
        holdBody: (what, bytes) => this.#bodies.hold(what, bytes, holder),
        bodies: this.#limits.bodies,
        linger: { time: this.#limits.lingerTime, bytes: this.#limits.lingerBytes },
      }));
    if (!incoming.complete && !incoming.readableDidRead) await this.#linger(incoming);
    // The rest of a body is not read, so the connection is of no more use.
    const over = refusal !== null || BODY_REFUSED.has(response.status);
    const last = connection?.isLast(this.#limits.requestsPerConnection) ?? true;
    return over || last || !incoming.complete ? closing(response) : response;
  }

  #refusal(incoming: IncomingMessage, refused: boolean): Response | null {
    try {
      if (refused) {
        const message = "the service has too many connections: try again";
        return errorResponse(plainError("unavailable", message));
      }
      if (incoming.headers.host === undefined && incoming.httpVersion !== "1.0") {
        throw new RootwardError("malformed", "the request names no host");
      }
      assertExactTarget(incoming.url ?? "");
      return null;
    } catch (error) {
      return errorResponse(errorAnswer(error, this.#log));
    }
  }

  /** Throws away what still comes of a body that nobody reads, so that its sender gets to the answer. */
  async #linger(incoming: IncomingMessage): Promise<void> {
    const { lingerTime, lingerBytes } = this.#limits;
    await new Promise<void>((resolve) => {
      let left = lingerBytes;
      const over = (): void => {
        clearTimeout(timer);
        incoming.off("data", took).pause();
        resolve();
      };
      const took = (chunk: Uint8Array): void => {
        left -= chunk.length;
        if (left < 0) over();
      };
      const timer = setTimeout(over, lingerTime);
      incoming.once("end", over).once("close", over).on("data", took);
    });
  }

  /** Where no Request could be made, or nothing of the app answered. */
  #failed(error: unknown): Response {
    // A host, say, that is none.
    const shown =
      error instanceof Error && error.name === "RequestError"
        ? new RootwardError("malformed", "the request cannot be read")
        : error;
    return closing(errorResponse(errorAnswer(shown, this.#log)));
  }
}

function closing(response: Response): Response {
  response.headers.set("Connection", "close");
  return response;
}
