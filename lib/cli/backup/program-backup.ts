/** `rootward backup` and `rootward restore`: the commands, their flags and help texts. */
import { join } from "node:path";
import { Option, type Command } from "commander";
import { RootwardError } from "../../error.ts";
import type { Folders } from "./backup.ts";
import { flag } from "../env-flags.ts";
import type { Terminal } from "../terminal.ts";

interface Flags {
  readonly data: string;
  readonly signerData?: string;
  readonly signer?: string;
  readonly only?: "service" | "signer";
}

export function addBackup(program: Command, terminal: Terminal): void {
  withFolders(
    program
      .command("backup")
      .description("copy the databases to a new folder, while the service runs")
      .argument("<dir>", "an empty folder, or one that does not exist yet"),
  )
    .addHelpText("after", BACKUP_HELP)
    .action(async (dir: string, flags: Flags) => {
      const { runBackup } = await import("./backup.ts");
      await runBackup(dir, foldersOf(flags), terminal);
    });
  withFolders(
    program
      .command("restore")
      .description("put the databases of a backup in place, while the service is stopped")
      .argument("<dir>", "the folder of the backup"),
  )
    .addHelpText("after", RESTORE_HELP)
    .action(async (dir: string, flags: Flags) => {
      const { runRestore } = await import("./backup.ts");
      await runRestore(dir, foldersOf(flags), terminal, Date.now());
    });
}

const BACKUP_HELP = `
The backup has rootward.db and signer.db, and a manifest with their hashes. It has no share, no archive
and no master key. Keep a copy of the master key apart from it.
Where the signer runs as another user, each user backs up their own database, the service's first:
--only service, then --only signer.`;

const RESTORE_HELP = `
What is there before is kept aside in the same folder. Links that were open at the backup are void: their
Factories are bootstrapped again. Archives that are newer than the backup are kept aside, and each gets a
line. Each Factory that differs from what the signer trusts gets a line.`;

function withFolders(command: Command): Command {
  return command
    .addOption(flag("--data <dir>", "the service's data folder").default(".rootward"))
    .addOption(flag("--signer-data <dir>", "the signer's records (default: DIR/signer)"))
    .addOption(
      flag("--signer <socket>", "the signer is a separate process: the service's database only"),
    )
    .addOption(
      new Option("--only <which>", "one of the two databases").choices(["service", "signer"]),
    );
}

function foldersOf({ data, signerData, signer, only }: Flags): Folders {
  const signerFolder = signerData ?? join(data, "signer");
  if (only === "signer") return new Map([["signer", signerFolder]]);
  if (only === "service") return new Map([["service", data]]);
  if (signer !== undefined && signerData !== undefined) {
    throw new RootwardError(
      "usage",
      "--signer: its records are another user's; use --only signer there",
    );
  }
  if (signer !== undefined) return new Map([["service", data]]);
  return new Map([
    ["service", data],
    ["signer", signerFolder],
  ]);
}
