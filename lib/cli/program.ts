/** The command line: names, options and help of every command, and how each ends. */
import { Command, CommanderError, Option } from "commander";
import { RootwardError } from "../error.ts";
import { isFactoryName } from "../factory/names.ts";
import { DIALECTS, type Dialect } from "../tuf/dialect.ts";
import { KEY_TYPES, type KeyType } from "../tuf/keys.ts";
import { Client } from "./client.ts";
import { factoryCreate } from "./factory-create.ts";
import { addKeys } from "./program-keys.ts";
import { addRoot } from "./program-root.ts";
import { addServe } from "./program-serve.ts";
import { addTargets } from "./program-targets.ts";
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

function createProgram(terminal: Terminal): Command {
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
  return program;
}

function addFactory(program: Command, terminal: Terminal, client: () => Client): void {
  const factory = program.command("factory").description("provision Factories");
  factory
    .command("create")
    .description("bootstrap a Factory: metadata, first root key, and a link for its owner")
    .argument("<name>", "^[a-z0-9][a-z0-9-]{1,62}$")
    .addOption(
      new Option("--dialect <dialect>", "how metadata is written").choices(DIALECTS).default("ats"),
    )
    .addOption(new Option("--key-type <type>", "of the root key").choices(KEY_TYPES).default("rsa"))
    .addOption(
      new Option("--online-key-type <type>", "of the keys that the service holds")
        .choices(KEY_TYPES)
        .default("ed25519"),
    )
    .option("--owner-id <id>", "how the owner is named in the log and in roots", "owner")
    .requiredOption("--owner-email <address>", "who gets the link and the notices")
    .addOption(
      new Option("--delivery <mode>", "of the root key: by a one-time link, or to fioctl")
        .choices(["link", "api"])
        .default("link"),
    )
    .action(async (name: string, options: FactoryOptions) => {
      if (!isFactoryName(name)) {
        throw new RootwardError("usage", "name: expected ^[a-z0-9][a-z0-9-]{1,62}$");
      }
      await factoryCreate(client(), terminal, { name, ...options });
    });
}

interface FactoryOptions {
  readonly dialect: Dialect;
  readonly keyType: KeyType;
  readonly onlineKeyType: KeyType;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly delivery: "link" | "api";
}
