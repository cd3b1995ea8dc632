/**
 * The private key of the owner's certificate, in a PEM file. Its passphrase comes from the environment
 * or from the terminal, and never from the command line, where other users of the machine see it. No
 * message repeats anything of the file.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { RootwardError } from "../../error.ts";
import { errorCode } from "../../files.ts";
import { line } from "../../text/line.ts";
import { askSecret } from "./secret-input.ts";
import type { Terminal } from "../terminal.ts";

/** The environment variable with the passphrase. */
export const PASSPHRASE_VARIABLE = "ROOTWARD_KEY_PASSPHRASE";

/**
 * Reads an RSA key: PKCS#8 or PKCS#1, encrypted or not.
 *
 * @throws RootwardError `usage` where the file or a passphrase is missing, `malformed` for another key
 *   or passphrase
 */
export async function readPrivateKey(terminal: Terminal, file: string): Promise<KeyObject> {
  const pem = await readPem(file);
  const encrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem);
  const key = encrypted
    ? decrypt(file, pem, await passphraseOf(terminal, file))
    : parse(pem, undefined);
  if (key?.asymmetricKeyType === "rsa") return key;
  throw new RootwardError(
    "malformed",
    `${file}: expected the RSA private key of the certificate, in PEM, got ` +
      (key === null ? "something else" : `one of ${key.asymmetricKeyType ?? "another kind"}`),
  );
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new RootwardError("usage", `--key: cannot read ${file}: ${errorCode(error) ?? ""}`);
  }
}

async function passphraseOf(terminal: Terminal, file: string): Promise<string> {
  const passphrase = process.env[PASSPHRASE_VARIABLE] ?? "";
  if (passphrase !== "") return passphrase;
  if (!process.stdin.isTTY) {
    throw new RootwardError(
      "usage",
      `${file} is encrypted: give its passphrase in ${PASSPHRASE_VARIABLE}, or run it on a terminal`,
    );
  }
  return askSecret(process.stdin, () => terminal.note(line`passphrase of ${file} (not shown):`));
}

function decrypt(file: string, pem: string, passphrase: string): KeyObject {
  const key = parse(pem, passphrase);
  if (key !== null) return key;
  throw new RootwardError(
    "malformed",
    `${file}: the passphrase does not open it, or it is encrypted in an old way: then write it anew ` +
      `with openssl pkcs8 -topk8 -in ${file} -out NEW.pem`,
  );
}

/** @returns null for anything that is no private key; the library's message could quote the text */
function parse(pem: string, passphrase: string | undefined): KeyObject | null {
  try {
    return createPrivateKey({
      key: pem,
      format: "pem",
      ...(passphrase !== undefined && { passphrase }),
    });
  } catch {
    return null;
  }
}
