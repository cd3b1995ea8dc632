/**
 * An owner's changes to the root of a Factory, from their own machine: with the command line, and by a
 * staged root update over HTTP for changes without a command. The service gets public keys and signatures.
 */
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import { channelsOf, rootLimits, rootMember, type OnlineRole } from "../../lib/tuf/dialect.ts";
import { isJsonObject, jsonObject, parseJson, type JsonObject } from "../../lib/tuf/json.ts";
import { rootKey, type KeyType } from "../../lib/tuf/keys.ts";
import { rotatedRoot } from "../../lib/tuf/roles.ts";
import { rotateArchive, type Owner } from "../../test/support/cli-owner.ts";
import { call, readRoot, repoUrl, signRoot } from "../../test/support/owner.ts";

/**
 * `rootward keys rotate`: the new key goes into the owner's archive. Where the clock of the story's service
 * is moved, the tool shows the time of the change message and asks for the digest of what it showed.
 */
export async function rotateByCommand(owner: Owner, keyType: KeyType): Promise<void> {
  const args = ["--key-type", keyType];
  let { code, stderr } = await rotateArchive(owner, ...args);
  const digest = /--accept-changes ([0-9a-f]{64})/.exec(stderr)?.[1];
  if (code !== 0 && digest !== undefined) {
    ({ code, stderr } = await rotateArchive(owner, ...args, "--accept-changes", digest));
  }
  if (code !== 0) throw new Error(`keys rotate ${owner.factory}: ${stderr}`);
}

/** The changes of the next root; all else stays. */
export interface RootChange {
  readonly rootKeys?: {
    readonly add: SigningKey;
    readonly remove: readonly SigningKey[];
    readonly threshold: number;
    /** The end of the new root; milliseconds since 1970. */
    readonly expires: number;
  };
  readonly onlineKeys?: { readonly roles: readonly OnlineRole[]; readonly keyType: KeyType };
  /** All keys that must sign, by the root before and by the new one. */
  readonly signers: readonly SigningKey[];
}

/** Starts a root update, stages the roots of all channels as they shall be, and applies it. */
export async function changeRoot(owner: Owner, change: RootChange): Promise<void> {
  const { server, factory, dialect, env } = owner;
  const send = async (step: string, method: string, body?: object): Promise<unknown> => {
    const url = repoUrl(server.url, factory, `root/updates${step}`);
    const request = { method, token: env.ROOTWARD_TOKEN, ...(body && { body }) };
    const answer = await call(url, request);
    if (answer.status < 300) return answer.body["updated"];
    throw new Error(`${method} ${url}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  await send("", "POST", { message: "interop" });
  if (change.onlineKeys !== undefined) {
    const { roles, keyType } = change.onlineKeys;
    const wanted = Object.fromEntries(roles.map((role) => [role, true]));
    await send("/gen-online-keys", "POST", { ...wanted, "key-type": keyType.toUpperCase() });
  }
  const staged = (await send("", "GET")) as Readonly<Record<string, string>>;
  const envelopes: Record<string, unknown> = {};
  // All channels say the same of the new key, whatever second it is.
  const now = Date.now();
  for (const channel of channelsOf(dialect)) {
    const member = rootMember(channel);
    const body = parseJson(new TextEncoder().encode(staged[member]), rootLimits(dialect));
    const signed = isJsonObject(body) ? body["signed"] : undefined;
    if (!isJsonObject(signed)) throw new Error(`no ${channel} root of ${factory} is staged`);
    const current = await readRoot(server, factory, dialect, channel);
    const next = withRootKeys({ ...current, signed }, change, now);
    const bytes = signRoot(next, change.signers, dialect);
    envelopes[member] = JSON.parse(new TextDecoder().decode(bytes));
  }
  await send("", "PUT", envelopes);
  await send("/apply", "POST", {});
}

/** Version and changelog stay as the service staged them. */
function withRootKeys(
  current: Parameters<typeof rotatedRoot>[0],
  { rootKeys }: RootChange,
  now: number,
): JsonObject {
  const { signed, dialect } = current;
  if (rootKeys === undefined) return signed;
  const { add, remove, threshold, expires } = rootKeys;
  const rotated = rotatedRoot(current, {
    add: rootKey(add.publicKey, dialect),
    remove: remove.map(({ publicKey }) => rootKey(publicKey, dialect).keyid),
    expires,
    // Only user and time of this stay, as the owner of the new key.
    changelog: { user: "owner", message: "", time: now },
  });
  const roles = isJsonObject(rotated["roles"]) ? rotated["roles"] : {};
  const root = isJsonObject(roles["root"]) ? roles["root"] : {};
  return jsonObject({
    ...rotated,
    version: current.version + 1,
    "x-changelog": signed["x-changelog"],
    roles: jsonObject({ ...roles, root: jsonObject({ ...root, threshold }) }),
  });
}
