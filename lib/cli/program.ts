/** The command line: names, options and help of every command, and how each ends. */
import { Command, CommanderError, Option } from "commander";
import { Client } from "./client.ts";
import { addBackup } from "./backup/program-backup.ts";
import { addFactory } from "./factory/program-factory.ts";
import { addKeys } from "./keys/program-keys.ts";
import { addRoot } from "./root/program-root.ts";
import { addServe } from "./serve/program-serve.ts";
import { addSigner } from "./signer/program-signer.ts";
import { addTargets } from "./targets/program-targets.ts";
import { createTerminal, reportError, type Terminal } from "./terminal.ts";

interface GlobalOptions {
  readonly json?: true;
  readonly server: string;
  readonly token?: string;
}

/** Runs one command. @returns the exit code: 0 done, 1 refused or failed, 2 usage */
export async function run(args: readonly string[]): Promise<number> {
  const terminal = createTerminal(args.includes("--json"));
  try {
    await createProgram(terminal).parseAsync([...args], { from: "user" });
    // `serve` ends as the process does that it launched.
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportError(terminal, error);
  }
}

/** All commands; none has run. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command("rootward")
    .description(
      "The backend for the offline TUF root keys of a device fleet, and its owner's tool.",
    )
    .exitOverride()
    .showHelpAfterError("(rootward --help lists the commands)")
    .addOption(new Option("--json", "one JSON object on stdout, progress on stderr"))
    .addOption(
      new Option("--server <url>", "the service")
        .env("ROOTWARD_SERVER")
        .default("http://127.0.0.1:8787"),
    )
    .addOption(new Option("--token <token>", "an API token").env("ROOTWARD_TOKEN"));
  const client = (): Client => {
    const { server, token } = program.opts<GlobalOptions>();
    return new Client({ server, token });
  };
  addFactory(program, terminal, client);
  addKeys(program, terminal, client);
  addRoot(program, terminal, client);
  addTargets(program, terminal, client);
  addServe(program, terminal);
  addBackup(program, terminal);
  addSigner(program, terminal);
  return program;
}
