/**
 * The process that the network reaches, started by launch.ts with few rights: it reads on standard input
 * what it is to do, asks the signer through a pipe or a socket, and holds no key. When its standard input
 * ends, its parent is gone, and it ends as well.
 */
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { callOver } from "../../adapters/embedded/signer-channel.ts";
import { remoteSigner } from "../../signing/remote.ts";
import { line } from "../../text/line.ts";
import { SIGNER_PIPE, type Orders } from "./orders.ts";
import { serve } from "./serve.ts";
import { connectSigner } from "../signer/signer-socket.ts";
import { createTerminal, reportError } from "../terminal.ts";

const END_WITHIN_MS = 20_000;

const terminal = createTerminal(false);

function launcherPipe(): Socket {
  const pipe = new Socket({ fd: SIGNER_PIPE });
  // Before anything is answered that only says that the signer is gone.
  pipe.once("close", () => process.exit(1));
  return pipe;
}

async function run({ adminTokenFile, signerSocket, ...options }: Orders): Promise<void> {
  const call = signerSocket === null ? callOver(launcherPipe()) : connectSigner(signerSocket);
  const signer = await remoteSigner(call);
  const server = await serve({ ...options, signer, log: terminal.note });
  let stopping = false;
  // Ctrl-C reaches both processes, and the other one passes it on.
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void server.close().then(() => process.exit(0));
    // A signer that does not answer must not keep it: a kill loses nothing either.
    setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  // Only now: who reads this may end it at once.
  terminal.result({}, [line`listening on ${server.url}`]);
  terminal.note(line`admin token: ${adminTokenFile}`);
}

const orders = createInterface({ input: process.stdin });
orders.once("line", (line) => {
  run(JSON.parse(line) as Orders).catch((error: unknown) => {
    process.exit(reportError(terminal, error));
  });
});
orders.once("close", () => process.exit(1));
