/**
 * `rootward signer`: the signer by itself, and what its operator does at the signer's own machine
 * while it is stopped. Each such command is a file of its own, `signer-VERB.ts`, that adds itself to
 * this one. All flags are those of `signer`; commander reads them before or after the command's name.
 */
import { join } from "node:path";
import type { Command } from "commander";
import { RootwardError } from "../../error.ts";
import { flag, KEY_FILE, onlineKeysFlag } from "../env-flags.ts";
import { runSigner } from "./signer.ts";
import { addForgetRoot } from "./signer-forget-root.ts";
import { addRaiseCeiling } from "./signer-raise-ceiling.ts";
import { createTerminal, type Terminal } from "../terminal.ts";

const DEFAULT_FOLDER = ".rootward-signer";

export function addSigner(program: Command, terminal: Terminal): void {
  const signer = program
    .command("signer")
    .description("run the signer as a process of its own, for a service that runs as another user")
    .addOption(flag("--signer-data <dir>", "its records").default(DEFAULT_FOLDER))
    .addOption(flag(KEY_FILE[0], `${KEY_FILE[1]} (default: DIR/master.key)`))
    .addOption(onlineKeysFlag())
    .addOption(flag("--signer <socket>", "the Unix socket to listen on"))
    .action(async ({ signerData, masterKeyFile, onlineKeys, signer: socket }: SignerFlags) => {
      if (socket === undefined) {
        throw new RootwardError("usage", "--signer: name the Unix socket to listen on");
      }
      const key = masterKeyFile ?? join(signerData, "master.key");
      // Always its first line, whatever --json says: scripts wait for it.
      const plain = createTerminal(false);
      const files = { folder: signerData, masterKeyFile: key };
      await runSigner({ ...files, onlineKeys, socket }, plain);
    });
  const folder = (): string => signer.opts<SignerFlags>().signerData;
  addForgetRoot(signer, terminal, folder);
  addRaiseCeiling(signer, terminal, folder);
}

interface SignerFlags {
  readonly signerData: string;
  readonly masterKeyFile?: string;
  readonly onlineKeys: string;
  readonly signer?: string;
}
