/**
 * The needs of the page, looked for in the browser before anything is claimed. Each part is looked for by
 * name, so that what is missing can be said; then the page's own tools are tried on a sample, since a part
 * that is there may still not do.
 */
import { readArchive, writeArchive } from "../archive/archive.ts";
import { openArchive, sealArchive } from "../delivery/sealing.ts";
import { sha256 } from "../tuf/bytes.ts";
import { encodeJson } from "../tuf/canonical.ts";
import { jsonObject, parseJson } from "../tuf/json.ts";

/** A name that a browser may lack, whatever its types say. */
function has(owner: object, name: string): boolean {
  return name in owner;
}

const NEEDS: readonly (readonly [words: string, present: () => boolean])[] = [
  ["A secure connection: the address must begin with https.", () => isSecureContext],
  [
    "WebCrypto, which opens the archive.",
    () => has(globalThis, "crypto") && typeof crypto.subtle === "object",
  ],
  [
    "DecompressionStream and CompressionStream, which unpack the archive.",
    () => has(globalThis, "DecompressionStream") && has(globalThis, "CompressionStream"),
  ],
  [
    "Saving files that a page has made (Blob and the download attribute).",
    () => has(URL, "createObjectURL") && has(HTMLAnchorElement.prototype, "download"),
  ],
  ["Reading a file that you pick (File).", () => has(Blob.prototype, "arrayBuffer")],
  ["Reading an answer part by part (streams).", () => has(Response.prototype, "body")],
];

/** @returns what is missing, in words; empty where the browser can do it all */
export async function missingHere(): Promise<readonly string[]> {
  const missing = NEEDS.filter(([, present]) => !present()).map(([words]) => words);
  if (missing.length > 0) return missing;
  const works = await trySample().catch(() => false);
  return works ? [] : ["A newer version of this browser: it could not open a sample archive."];
}

/** Seals, opens, packs, unpacks, writes and reads a sample with the code that the archive gets. */
async function trySample(): Promise<boolean> {
  const sample = encodeJson(jsonObject({ sample: "archive" }));
  const halves = { secret: new Uint8Array(32), share: new Uint8Array(32) };
  const packed = await writeArchive(new Map([["sample", sample]]));
  const sealed = await sealArchive(packed, halves, new Uint8Array(12));
  const entries = await readArchive(await openArchive(sealed, halves));
  const found = entries.get("sample") ?? new Uint8Array();
  return sha256(encodeJson(parseJson(found, { maxBytes: 100 }))) === sha256(sample);
}
