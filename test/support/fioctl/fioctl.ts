/**
 * The client at its current release, as somebody at a terminal has it: each command with its options,
 * giving back what it printed or throwing a FioctlError with it. Nothing here is shared with lib/: it
 * is a judge of the service, written after what the real client does on the wire.
 */
import type { ClientOptions } from "./http.ts";
import { FioctlError, runCommand, type Shell } from "./shell.ts";
import {
  copyTargets,
  downloadRoots,
  resignRoot,
  rotateAllKeys,
  rotateKey,
  showRoot,
} from "./shortcuts.ts";
import { addOfflineKey, deleteOfflineKey, rotateOfflineKey } from "./updates-offline-keys.ts";
import { rotateOnlineKey, setThreshold, sign, signProdTargets } from "./updates-signing.ts";
import { apply, cancel, init, review } from "./updates-transaction.ts";

export type Fioctl = ReturnType<typeof fioctl>;

/** `fioctl keys tuf ...` for one user of one Factory. */
export function fioctl(client: ClientOptions) {
  const command =
    <A extends readonly unknown[]>(run: (shell: Shell, ...args: A) => Promise<void>) =>
    async (...args: A): Promise<string> =>
      runCommand(client, (shell) => run(shell, ...args));
  return {
    showRoot: command(showRoot),
    downloadRoots: command(downloadRoots),
    rotateOfflineKey: command(rotateKey),
    rotateAllKeys: command(rotateAllKeys),
    resignRoot: command(resignRoot),
    copyTargets: command(copyTargets),
    updates: {
      init: command(init),
      review: command(review),
      addOfflineKey: command(addOfflineKey),
      deleteOfflineKey: command(deleteOfflineKey),
      rotateOfflineKey: command(rotateOfflineKey),
      rotateOnlineKey: command(rotateOnlineKey),
      setThreshold: command(setThreshold),
      sign: command(sign),
      signProdTargets: command(signProdTargets),
      apply: command(apply),
      cancel: command(cancel),
    },
  };
}

/** The transaction id that `updates init` printed. */
export function txidIn(printed: string): string {
  const txid = /^Your transaction ID is (.*) \.$/m.exec(printed)?.[1];
  if (txid === undefined) throw new Error(`no transaction ID in: ${printed}`);
  return txid;
}

/** What a command printed before it ended with an error; it must. */
export async function failureOf(command: Promise<string>): Promise<string> {
  const printed = await command.catch((error: unknown) => {
    if (error instanceof FioctlError) return error;
    throw error;
  });
  if (printed instanceof FioctlError) return printed.printed;
  throw new Error(`expected the command to fail; it printed: ${printed}`);
}
