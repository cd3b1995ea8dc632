/** `rootward serve` and `rootward signer`: the commands, their flags and help texts. */
import { join } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { RootwardError } from "../error.ts";
import { addRaiseCeiling } from "./signer-raise-ceiling.ts";
import { runSigner } from "./signer.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

/** A flag that is also an environment variable. */
function flag(flags: string, description: string): Option {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? "";
  return new Option(flags, description).env(`ROOTWARD_${name.toUpperCase().replaceAll("-", "_")}`);
}

const KEY_FILE = ["--master-key-file <file>", "seals the keys"] as const;

export function addServe(program: Command, terminal: Terminal): void {
  program
    .command("serve")
    .description("run the service on this machine: SQLite and files, and a process for the keys")
    .addOption(flag("--data <dir>", "where everything is kept").default(".rootward"))
    .addOption(flag("--outbox <dir>", "where mail is put").default(".rootward-outbox"))
    .addOption(flag(KEY_FILE[0], `${KEY_FILE[1]} (default: DIR/master.key)`))
    .addOption(flag("--signer-data <dir>", "the signer's own records (default: DIR/signer)"))
    .addOption(onlineKeysFlag())
    .addOption(flag("--signer <socket>", "use a signer that runs by itself, on this socket"))
    .addOption(flag("--port <n>", "0 picks one").default(8787).argParser(portNumber))
    .addOption(flag("--host <host>", "the address to listen on").default("127.0.0.1"))
    .addOption(flag("--public-url <url>", "where owners reach the service; links start with it"))
    .action(async (options: ServeFlags) => {
      const { launch } = await import("./launch.ts");
      const { data, outbox, port, host, publicUrl } = options;
      const signer = signerOf(options);
      process.exitCode = await launch({ data, outbox, port, host, publicUrl, signer }, terminal);
    });
  const signerCommand = program
    .command("signer")
    .description("run the signer by itself, for a service that runs as another user")
    .addOption(flag("--signer-data <dir>", "its records").default(".rootward-signer"))
    .addOption(flag(KEY_FILE[0], `${KEY_FILE[1]} (default: DIR/master.key)`))
    .addOption(onlineKeysFlag())
    .addOption(flag("--signer <socket>", "the Unix socket to listen on"))
    .action(async ({ signerData, masterKeyFile, onlineKeys, signer }: SignerFlags) => {
      if (signer === undefined) {
        throw new RootwardError("usage", "--signer: name the Unix socket to listen on");
      }
      const key = masterKeyFile ?? join(signerData, "master.key");
      // Always its first line, whatever --json says: scripts wait for it.
      const plain = createTerminal(false);
      const files = { folder: signerData, masterKeyFile: key };
      await runSigner({ ...files, onlineKeys, socket: signer }, plain);
    });
  addRaiseCeiling(signerCommand, terminal, () => signerCommand.opts<SignerFlags>().signerData);
}

function onlineKeysFlag(): Option {
  return flag(
    "--online-keys <rules>",
    "where new ones are kept: FACTORY/ROLE=sealed|kms, * for any, comma between, the last one counts",
  ).default("", "all sealed");
}

interface ServeFlags {
  readonly data: string;
  readonly outbox: string;
  readonly masterKeyFile?: string;
  readonly signerData?: string;
  readonly onlineKeys: string;
  readonly signer?: string;
  readonly port: number;
  readonly host: string;
  readonly publicUrl?: string;
}

interface SignerFlags {
  readonly signerData: string;
  readonly masterKeyFile?: string;
  readonly onlineKeys: string;
  readonly signer?: string;
}

function signerOf({ data, masterKeyFile, signerData, onlineKeys, signer }: ServeFlags) {
  if (signer === undefined) {
    return {
      folder: signerData ?? join(data, "signer"),
      masterKeyFile: masterKeyFile ?? join(data, "master.key"),
      onlineKeys,
    };
  }
  if (masterKeyFile !== undefined || signerData !== undefined || onlineKeys !== "") {
    throw new RootwardError(
      "usage",
      "--signer: keys and records are the other process's: leave out --master-key-file, " +
        "--signer-data and --online-keys",
    );
  }
  return { socket: signer };
}

function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("expected a number from 0 to 65535");
}
