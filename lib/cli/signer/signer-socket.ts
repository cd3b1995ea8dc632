/**
 * A signer on a Unix socket: for one that runs as another user than the service. A program that may connect
 * may have documents signed, within the boundary's rules, and server shares opened. The socket's folder and
 * group decide which programs may.
 */
import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { answerOn, callOver } from "../../adapters/embedded/signer-channel.ts";
import { RootwardError } from "../../error.ts";
import { errorCode } from "../../files.ts";
import type { Reply } from "../../signing/operations.ts";
import type { Call } from "../../signing/remote.ts";

/** Owner and group. */
const SOCKET_MODE = 0o660;

/**
 * Listens on `path`; what an ended signer left there is replaced.
 *
 * @returns how to stop
 * @throws RootwardError `usage` where another signer listens there, or the path cannot be used
 */
export async function listenOn(
  path: string,
  answer: (request: unknown) => Promise<Reply>,
): Promise<() => Promise<void>> {
  if (await answers(path))
    throw new RootwardError("usage", `${path}: a signer listens there already`);
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    answerOn(socket, answer);
  });
  try {
    await rm(path, { force: true });
    server.listen(path);
    await once(server, "listening");
    await chmod(path, SOCKET_MODE);
  } catch (error) {
    throw new RootwardError(
      "usage",
      `${path}: cannot listen there (${errorCode(error) ?? "unknown"})`,
    );
  }
  return async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of connections) socket.destroy();
    await closed;
  };
}

/** Asks the signer at `path`; connects when there is something to ask and no connection. */
export function connectSigner(path: string): Call {
  let current: { readonly socket: Socket; readonly call: Call } | null = null;
  return async (request) => {
    if (current === null || current.socket.destroyed) {
      const socket = connect(path);
      current = { socket, call: callOver(socket, `no signer answers on ${path}`) };
    }
    return current.call(request);
  };
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
