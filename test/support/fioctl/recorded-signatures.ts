/** Every signature that fioctl made in a recorded story, with its key, and the bytes that we say it covers. */
import { parseJson, type JsonValue } from "../../../lib/tuf/json.ts";
import { parseKey } from "../../../lib/tuf/keys.ts";
import type { PublicKey } from "../../../lib/tuf/spki.ts";
import { canonicalBytes } from "./fresh-keys.ts";
import type { RootDocument } from "./root-document.ts";
import { exchangesOf, type Transcript } from "./transcript.ts";

export interface RecordedSignature {
  readonly keyid: string;
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** @throws where a signature is by a key that no root of the story lists */
export function recordedSignatures(transcript: Transcript): readonly RecordedSignature[] {
  const exchanges = exchangesOf(transcript);
  const keys = new Map<string, PublicKey>();
  for (const text of exchanges.flatMap(({ body, answer }) => [answer, body])) {
    for (const { signed } of rootsIn(text)) {
      for (const [id, object] of Object.entries(signed.keys)) {
        const parsed = parseJson(new TextEncoder().encode(JSON.stringify(object)), {
          maxBytes: Infinity,
        });
        if (!keys.has(id)) keys.set(id, parseKey(parsed, "ats", false));
      }
    }
  }
  return exchanges
    .flatMap(({ body }) => rootsIn(body))
    .flatMap(({ signatures, signed }) => {
      const message = canonicalBytes(signed);
      return signatures.map(({ keyid, sig }) => {
        const key = keys.get(keyid);
        if (key === undefined) throw new Error(`no root lists key ${keyid}`);
        return { keyid, key, message, signature: Buffer.from(sig, "base64") };
      });
    });
}

/** All roots in a body or an answer, as objects or as text. */
function rootsIn(text: string): readonly RootDocument[] {
  if (!text.startsWith("{")) return [];
  const roots: RootDocument[] = [];
  const search = (value: JsonValue): void => {
    if (typeof value === "string" && value.startsWith("{")) search(JSON.parse(value) as JsonValue);
    if (typeof value !== "object" || value === null) return;
    if ("signed" in value && "signatures" in value) roots.push(value as unknown as RootDocument);
    else for (const member of Object.values(value)) search(member);
  };
  search(JSON.parse(text) as JsonValue);
  return roots;
}
