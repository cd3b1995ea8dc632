/** The command line: names, options and help of every command, and how each ends. */
import { join } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { isRootwardError, RootwardError } from "../error.ts";
import { isFactoryName } from "../factory/names.ts";
import { DIALECTS, type Dialect } from "../tuf/dialect.ts";
import { KEY_TYPES, type KeyType } from "../tuf/keys.ts";
import { Client } from "./client.ts";
import { EXIT } from "./exit.ts";
import { factoryCreate } from "./factory-create.ts";
import { addKeys } from "./program-keys.ts";
import { addRoot } from "./program-root.ts";
import { serve } from "./serve.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

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
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!isRootwardError(error)) {
      const message = Error.isError(error) ? error.message : "unknown error";
      terminal.error(message, [], null);
      return 1;
    }
    const { code, hint } = EXIT[error.code];
    terminal.error(error.message, error.details.errors ?? [], hint);
    return code;
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

function addServe(program: Command, terminal: Terminal): void {
  const flag = (flags: string, description: string): Option =>
    new Option(flags, description).env(
      `ROOTWARD_${(/--([a-z-]+)/.exec(flags)?.[1] ?? "").toUpperCase().replaceAll("-", "_")}`,
    );
  program
    .command("serve")
    .description("run the service on this machine: SQLite and files, one process")
    .addOption(flag("--data <dir>", "where everything is kept").default(".rootward"))
    .addOption(flag("--outbox <dir>", "where mail is put").default(".rootward-outbox"))
    .addOption(flag("--master-key-file <file>", "seals the keys (default: DIR/master.key)"))
    .addOption(flag("--port <n>", "0 picks one").default(8787).argParser(portNumber))
    .addOption(flag("--host <host>", "the address to listen on").default("127.0.0.1"))
    .addOption(flag("--public-url <url>", "where owners reach the service; links start with it"))
    .action(async (options: ServeFlags) => {
      const { masterKeyFile = join(options.data, "master.key"), publicUrl } = options;
      const server = await serve({ ...options, masterKeyFile, publicUrl, log: terminal.note });
      // Always this line, whatever --json says: scripts wait for it.
      createTerminal(false).result({}, [`listening on ${server.url}`]);
      terminal.note(`admin token: ${server.adminTokenFile}`);
      await new Promise<void>((resolve) => {
        process.once("SIGTERM", resolve).once("SIGINT", resolve);
      });
      await server.close();
    });
}

interface ServeFlags {
  readonly data: string;
  readonly outbox: string;
  readonly masterKeyFile?: string;
  readonly port: number;
  readonly host: string;
  readonly publicUrl?: string;
}

function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("expected a number from 0 to 65535");
}
