/**
 * The rotation of a root key as a staged root update, and over HTTP the whole of it: all online keys
 * are made anew with it, and everything becomes current in the one swap of the apply.
 */
import { makeSigningKey, type SigningKey } from "../../lib/crypto/signing-key.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { readTrustedRoot, strictPolicy } from "../../lib/tuf/chain.ts";
import { isJsonObject, jsonObject, parseJson, type JsonObject } from "../../lib/tuf/json.ts";
import { rootLimits } from "../../lib/tuf/dialect.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import { rotatedRoot } from "../../lib/tuf/roles.ts";
import type { Root } from "../../lib/tuf/root.ts";
import { call, repoUrl, signRoot } from "./owner.ts";

const YEAR = 365 * 86_400_000;

/** What is staged, with `next` in the place of `old`; version and changelog are the service's. */
export function rotatedStaged(
  current: Root,
  staged: JsonObject,
  old: SigningKey,
  next: SigningKey,
  now: number,
): JsonObject {
  const { dialect, version } = current;
  const root = rotatedRoot(
    { ...current, signed: staged },
    {
      remove: [rootKey(old.publicKey, dialect).keyid],
      add: rootKey(next.publicKey, dialect),
      expires: now + YEAR,
      changelog: { user: "owner", message: "test", time: now },
    },
  );
  return jsonObject({ ...root, version: version + 1, "x-changelog": staged["x-changelog"] });
}

/** A Factory of the tuf dialect, and the token that may change its root. */
export interface Rotating {
  readonly url: string;
  readonly factory: string;
  readonly token: string;
}

/**
 * Stages the next root with new online keys of all roles, signed by the old root key and a new one.
 *
 * @returns the new root key; nothing is in force yet
 */
export async function stageRotationOfAll(rotating: Rotating, old: SigningKey): Promise<SigningKey> {
  await step(rotating, "", { message: "test" });
  const roles = { targets: true, snapshot: true, timestamp: true };
  await step(rotating, "/gen-online-keys", { "key-type": "ED25519", ...roles });
  const review = await step(rotating, "");
  const rootIn = (member: string): Uint8Array => {
    const texts = review[member] as { readonly "ci-root": string };
    return new TextEncoder().encode(texts["ci-root"]);
  };
  const current = readTrustedRoot(rootIn("current"), strictPolicy("tuf", "main"), verifySignature);
  const staged = parseJson(rootIn("updated"), rootLimits("tuf"));
  const signed = isJsonObject(staged) ? staged["signed"] : undefined;
  if (!isJsonObject(signed)) throw new Error("no root is staged");
  const next = await makeSigningKey("ed25519");
  const root = rotatedStaged(current, signed, old, next, Date.now());
  const body = new TextDecoder().decode(signRoot(root, [old, next], "tuf"));
  await step(rotating, "", { "ci-root": JSON.parse(body) as object }, "PUT");
  return next;
}

/** Makes what is staged current. */
export async function applyStaged(rotating: Rotating): Promise<void> {
  await step(rotating, "/apply", {});
}

async function step(
  { url, factory, token }: Rotating,
  path: string,
  body?: object,
  method?: string,
): Promise<Readonly<Record<string, unknown>>> {
  const target = repoUrl(url, factory, `root/updates${path}`);
  const answer = await call(target, { token, ...(body && { body }), ...(method && { method }) });
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer.body;
}
