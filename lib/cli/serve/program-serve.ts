/** `rootward serve`: the command, its flags and help texts. */
import { join } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { RootwardError } from "../../error.ts";
import { flag, KEY_FILE, onlineKeysFlag } from "../env-flags.ts";
import type { Terminal } from "../terminal.ts";

export function addServe(program: Command, terminal: Terminal): void {
  program
    .command("serve")
    .description("run the service on this machine: SQLite and files, and a process for the keys")
    .addOption(flag("--data <dir>", "where everything is kept").default(".rootward"))
    .addOption(flag("--outbox <dir>", "where mail is put").default(".rootward-outbox"))
    .addOption(flag(KEY_FILE[0], `${KEY_FILE[1]} (default: DIR/master.key)`))
    .addOption(flag("--signer-data <dir>", "the signer's own records (default: DIR/signer)"))
    .addOption(onlineKeysFlag())
    .addOption(flag("--signer <socket>", "use a separate signer process, on this socket"))
    .addOption(flag("--port <n>", "0 picks one").default(8787).argParser(portNumber))
    .addOption(flag("--host <host>", "the address to listen on").default("127.0.0.1"))
    .addOption(flag("--public-url <url>", "where owners reach the service; links start with it"))
    .action(async (options: ServeFlags) => {
      const { launch } = await import("./launch.ts");
      const { data, outbox, port, host, publicUrl } = options;
      const signer = signerOf(options);
      process.exitCode = await launch({ data, outbox, port, host, publicUrl, signer }, terminal);
    });
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
