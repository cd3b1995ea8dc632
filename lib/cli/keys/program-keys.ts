/** `rootward keys`: the commands, their flags and help texts. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { KEY_TYPES, type KeyType } from "../../tuf/keys.ts";
import { ArchiveFile } from "./archive-file.ts";
import type { Client } from "../client.ts";
import { keysDownload, readLinkFromInput, type DownloadOptions } from "./keys-download.ts";
import { keysRotate } from "./keys-rotate.ts";
import { keysSign } from "./keys-sign.ts";
import { PASSPHRASE_VARIABLE } from "./private-key-file.ts";
import type { Terminal } from "../terminal.ts";

export function addKeys(program: Command, terminal: Terminal, client: () => Client): void {
  const keys = program.command("keys").description("the owner's root keys, on the owner's machine");
  keys
    .command("download")
    .description("claim a download link, save and check the archive, confirm")
    .argument("<link>", "the link, or - to read it from standard input")
    .option("-o, --output <file>", "where to save it (default: FACTORY.tgz here)")
    .option("--key <file>", "private key of the certificate that the archive is encrypted to")
    .option(
      "--opened",
      "confirm an encrypted archive of an earlier run that you have opened yourself",
    )
    .action(async (link: string, options: DownloadOptions) => {
      await keysDownload(terminal, link === "-" ? await readLinkFromInput() : link, options);
    });
  keys
    .command("rotate")
    .description("make a new root key here, sign the next root with old and new, submit it")
    .argument("<archive>", "the archive; updated in place, the old one kept as .bak")
    .option("--factory <name>", "checked against the archive's own")
    .addOption(
      new Option("--key-type <type>", "of the new key").choices(KEY_TYPES).default("ed25519"),
    )
    .option("-m, --message <reason>", "for the root's changelog", printableAscii, "rotate root key")
    .option(
      "--accept-log",
      "take the service's audit log as it is now, after its operator restored a backup",
    )
    .option(
      "--accept-changes <digest>",
      "also sign changes staged by others; run without this flag to get the digest",
    )
    .option("--txid <id>", "transaction id, if another token started the update")
    .addOption(clockFlag())
    .action(async (archive: string, options: KeysRotateOptions) => {
      const { factory, keyType, message: reason, acceptLog = false, txid } = options;
      const { acceptChanges, clockIsRight = false } = options;
      await ArchiveFile.withLock(archive, (file) =>
        keysRotate(client(), terminal, file, {
          factory,
          keyType,
          reason,
          acceptLog,
          acceptChanges,
          txid,
          clockIsRight,
          now: Date.now,
        }),
      );
    });
  addSign(keys, terminal, client);
  addOpen(keys, terminal);
}

interface KeysRotateOptions {
  readonly factory?: string;
  readonly keyType: KeyType;
  readonly message: string;
  readonly acceptLog?: true;
  readonly clockIsRight?: true;
  readonly acceptChanges?: string;
  readonly txid?: string;
}

function clockFlag(): Option {
  return new Option(
    "--clock-is-right",
    "sign although this machine's clock differs from the service's: you have checked that it is right",
  );
}

/** The text of `signed` must be in the characters that all clients agree on (rule 3). */
function printableAscii(text: string): string {
  if (/^[\x20-\x7e]{1,500}$/.test(text)) return text;
  throw new InvalidArgumentError("expected 1 to 500 printable ASCII characters");
}

function addSign(keys: Command, terminal: Terminal, client: () => Client): void {
  keys
    .command("sign")
    .description("sign the root update in progress, where one signature is not enough")
    .argument("<archive>", "the archive with your root key")
    .option("--factory <name>", "checked against the archive's own")
    .option(
      "--accept-changes <digest>",
      "sign what is staged; run without this flag to get the digest",
    )
    .option("--txid <id>", "transaction id, if another token started the update", "")
    .addOption(clockFlag())
    .action(async (archive: string, options: KeysSignOptions) => {
      const { factory, txid, acceptChanges, clockIsRight = false } = options;
      await ArchiveFile.withLock(archive, (file) =>
        keysSign(client(), terminal, file, { factory, txid, acceptChanges, clockIsRight }),
      );
    });
}

interface KeysSignOptions {
  readonly factory?: string;
  readonly acceptChanges?: string;
  readonly clockIsRight?: true;
  readonly txid: string;
}

function addOpen(keys: Command, terminal: Terminal): void {
  keys
    .command("open")
    .description("open an archive that was sealed to your certificate")
    .argument("<file>", "the sealed archive, FACTORY.tgz.p7m")
    .requiredOption(
      "--key <file>",
      `the certificate's private key, PEM; a passphrase is asked for, or in ${PASSPHRASE_VARIABLE}`,
    )
    .option("-o, --output <file>", "where to save the archive (default: FILE without .p7m)")
    .action(async (file: string, { key, output }: { key: string; output?: string }) => {
      // Only here: no other command needs what reads CMS.
      const { keysOpen } = await import("./keys-open.ts");
      await keysOpen(terminal, { file, key, output });
    });
}
