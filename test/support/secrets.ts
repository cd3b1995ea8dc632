/** Searching every file of a folder for secrets in every form that they could take. */
import { createPrivateKey } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The contents of all files below `folder`; files that vanish meanwhile are left out. */
export function readFolder(folder: string): readonly { file: string; bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((name) => {
    const file = join(folder, name);
    try {
      return statSync(file).isFile() ? [{ file, bytes: readFileSync(file) }] : [];
    } catch {
      return [];
    }
  });
}

/** `secret` raw and in the text forms that somebody might store. */
export function encodings(secret: Uint8Array): readonly Buffer[] {
  const raw = Buffer.from(secret);
  const texts = [
    raw.toString("hex"),
    raw.toString("hex").toUpperCase(),
    raw.toString("base64"),
    raw.toString("base64url"),
  ];
  return [raw, ...texts.map((text) => Buffer.from(text))];
}

/**
 * Every form of a private key: as archives hold it, PKCS#1 and PKCS#8 in DER and PEM, PEM inside
 * JSON, single lines of the PEM, and the secret numbers of the key.
 *
 * @param archiveText `keyval.private` of an archive
 */
export function privateKeyForms(archiveText: string): readonly Buffer[] {
  const pem = archiveText.startsWith("-----");
  const key = createPrivateKey(
    pem
      ? archiveText
      : {
          key: Buffer.from(`302e020100300506032b657004220420${archiveText}`, "hex"),
          format: "der",
          type: "pkcs8",
        },
  );
  const jwk = key.export({ format: "jwk" });
  const numbers = [jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi].flatMap((number) =>
    number === undefined ? [] : encodings(Buffer.from(number, "base64url")),
  );
  const pkcs8 = key.export({ type: "pkcs8", format: "pem" }).toString();
  const texts = [archiveText, pkcs8].flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]);
  // The first line is the same for every key of a kind, and the last may be short.
  const lines = pem ? archiveText.split("\n").slice(2, -3) : [];
  return [
    ...numbers,
    ...encodings(key.export({ type: "pkcs8", format: "der" })),
    ...[...texts, ...lines].map((text) => Buffer.from(text)),
  ];
}

/** The files below `folder` that hold one of `needles`. */
export function findIn(
  contents: readonly { readonly file: string; readonly bytes: Buffer }[],
  needles: readonly Buffer[],
): readonly string[] {
  const found = contents.filter(({ bytes }) => needles.some((needle) => bytes.includes(needle)));
  return [...new Set(found.map(({ file }) => file))];
}
