/**
 * `rootward keys open`: opens an archive that was sealed to the owner's certificate. Nothing in CMS says
 * that what comes out is what went in, so it is checked as an archive before it is written, and read
 * back from disk after. The sealed file stays as it is; no file is replaced.
 */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { MAX_ENVELOPE_BYTES, openEnvelope } from "../../crypto/envelope.ts";
import { isRootwardError, RootwardError } from "../../error.ts";
import { createFile, errorCode } from "../../files.ts";
import { command, pathWord } from "../../text/command.ts";
import { line, listed } from "../../text/line.ts";
import { sha256 } from "../../tuf/bytes.ts";
import { checkArchive } from "./check-archive.ts";
import { inTheWay } from "./in-the-way.ts";
import { readPrivateKey } from "./private-key-file.ts";
import type { Terminal } from "../terminal.ts";

const SUFFIX = ".p7m";

export interface KeysOpenOptions {
  /** The sealed archive: CMS EnvelopedData, DER. */
  readonly file: string;
  /** A PEM file. */
  readonly key: string;
  /** Undefined: the file's name without `.p7m`. */
  readonly output: string | undefined;
}

/** @throws RootwardError `archive-invalid`, `file-exists`, `usage`, and what readPrivateKey throws */
export async function keysOpen(terminal: Terminal, options: KeysOpenOptions): Promise<void> {
  const output = outputOf(options);
  const sealed = await readSealed(options.file);
  const privateKey = await readPrivateKey(terminal, options.key);
  const archive = await terminal.step(line`opening ${options.file}`, async () =>
    openEnvelope(sealed, privateKey),
  );
  const keyids = await terminal.step(line`checking that it is an archive with its root keys`, () =>
    check(options.file, archive),
  );
  const digest = await terminal.step(line`writing ${output} and reading it back`, () =>
    write(output, archive),
  );
  terminal.result({ file: output, sha256: digest, keyids }, [
    line`archive      ${output}`,
    line`SHA-256      ${digest}`,
    line`root key     ${listed(keyids)}`,
    line`Keep both offline: ${options.file} opens again with the same private key.`,
    line`Next, make a root key that only you ever had:`,
    line`  ${command`rootward keys rotate ${pathWord(output)}` ?? "rootward keys rotate ARCHIVE"}`,
  ]);
}

/** Everything about the output that can be known before a passphrase is asked for. */
function outputOf({ file, output }: KeysOpenOptions): string {
  if (output === undefined && !file.endsWith(SUFFIX)) {
    throw new RootwardError("usage", `name the archive with -o: ${file} does not end in ${SUFFIX}`);
  }
  const path = resolve(output ?? file.slice(0, -SUFFIX.length));
  if (!existsSync(dirname(path))) {
    throw new RootwardError("usage", `-o: there is no folder ${dirname(path)}`);
  }
  if (existsSync(path)) throw inTheWay(path, "; nothing was written");
  return path;
}

async function readSealed(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    if (size <= MAX_ENVELOPE_BYTES) return await readFile(file);
  } catch (error) {
    throw new RootwardError("archive-invalid", `cannot read ${file}: ${errorCode(error) ?? ""}`);
  }
  throw new RootwardError("archive-invalid", `${file} is too large to be a sealed archive`);
}

/** @returns the ids of the root keys */
async function check(file: string, archive: Uint8Array): Promise<readonly string[]> {
  try {
    return await checkArchive(archive, null);
  } catch (error) {
    if (!isRootwardError(error)) throw error;
    throw new RootwardError(
      "archive-invalid",
      `${file} opened, but what was in it is no whole archive (${error.message}): compare its ` +
        "SHA-256 with the one that you were told, and fetch it again",
    );
  }
}

async function write(output: string, archive: Uint8Array): Promise<string> {
  if (!(await createFile(output, archive))) throw inTheWay(output, "; nothing was written");
  const digest = sha256(await readFile(output));
  if (digest === sha256(archive)) return digest;
  throw new RootwardError(
    "archive-invalid",
    `${output} is not what was written: is the disk broken?`,
  );
}
