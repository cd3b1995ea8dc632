/**
 * `rootward signer`: the signer by itself, on a Unix socket, for an installation that gives it a user
 * of its own. The first line on stdout is `signing on PATH`.
 */
import { openSigner } from "../../adapters/embedded/open-signer.ts";
import { sparing } from "../../service/reporting.ts";
import { answer } from "../../signing/operations.ts";
import { lockFolder } from "../serve/folder-lock.ts";
import { line } from "../../text/line.ts";
import { listenOn } from "./signer-socket.ts";
import { reportLine, type Terminal } from "../terminal.ts";

export interface SignerRun {
  readonly folder: string;
  readonly masterKeyFile: string;
  readonly onlineKeys: string;
  readonly socket: string;
}

/** Runs until SIGTERM or SIGINT. */
export async function runSigner(run: SignerRun, terminal: Terminal): Promise<void> {
  process.umask(0o077);
  const lock = lockFolder(run.folder, "signer", terminal.note);
  try {
    await runLocked(run, terminal);
  } finally {
    lock.release();
  }
}

async function runLocked(run: SignerRun, terminal: Terminal): Promise<void> {
  const signer = await openSigner({ ...run, log: (text) => terminal.note(line`${text}`) });
  try {
    const report = sparing((what, error) => terminal.note(reportLine(what, error)), Date.now);
    const stop = await listenOn(run.socket, (request) => answer(signer, request, report));
    terminal.result({}, [line`signing on ${run.socket}`]);
    await new Promise<void>((resolve) => {
      process.once("SIGTERM", resolve).once("SIGINT", resolve);
    });
    await stop();
  } finally {
    signer.close();
  }
}
