/**
 * A second opinion on an accepted root, for tests: may `next` follow `current`? It imports nothing
 * from lib/, on purpose: its own reading of JSON, its own canonical form, node:crypto alone. It says
 * less than lib/tuf does (what a client needs, and what an attacker wants); what it refuses must
 * never have been accepted.
 */
import { constants, createPublicKey, verify, type KeyObject } from "node:crypto";

export interface Succession {
  readonly dialect: "tuf" | "ats";
  /** The root in force, as served, and the bytes that want to follow it. */
  readonly current: Uint8Array;
  readonly next: Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** @returns every reason against it; none where `next` may follow */
export function objections(succession: Succession): readonly string[] {
  try {
    return judge(succession);
  } catch (error) {
    return [`unreadable: ${String(error)}`];
  }
}

/** Whether two roots say the same, whatever their signatures are. */
export function saysTheSame(a: Uint8Array, b: Uint8Array): boolean {
  try {
    const [one, other] = [a, b].map((bytes) => members(JSON.parse(decode(bytes)))["signed"]);
    return canonical(one, "ats") === canonical(other, "ats");
  } catch {
    return false;
  }
}

type Members = Readonly<Record<string, unknown>>;

const ONLINE = ["timestamp", "snapshot", "targets"];
const PRIVATE = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY|"keyval":\{[^{}]*"private":/;
/** Ed25519 points of order 1, 2, 4 and 8, in every encoding: they verify what nobody signed. */
const SMALL_ORDER = /^(?:0[01]0{60}[08]0|e[cde]f{60}[7f]f|26e8958f.{56}|c7176a70.{56})$/;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

function judge({ dialect, current, next, now }: Succession): readonly string[] {
  const before = members(members(JSON.parse(decode(current)))["signed"]);
  const { signatures, signed: value } = members(JSON.parse(decode(next)));
  const signed = members(value);
  const message = canonical(signed, dialect);
  const expires = String(signed["expires"]);
  const online = ONLINE.flatMap((name) => role(before, name).keys.slice(0, 1));
  const root = role(signed, "root");
  const signers = (by: Role): number => count(by, signatures, Buffer.from(message), dialect);
  const reasons: Readonly<Record<string, boolean>> = {
    "a character that clients disagree about": /[^\n\r\t -~]/.test(message),
    "not a root": signed["_type"] !== (dialect === "tuf" ? "root" : "Root"),
    "not the next version": signed["version"] !== Number(before["version"]) + 1,
    "expires in another form": !/^\d{4}(?:-\d\d){2}T\d\d(?::\d\d){2}Z$/.test(expires),
    expired: !(Date.parse(expires) > now),
    "a private key": PRIVATE.test(JSON.stringify({ signatures, signed })),
    "too few signatures by the current root": signers(role(before, "root")) < threshold(before),
    "too few signatures by itself": signers(root) < threshold(signed),
    "an online key signs roots": root.keys.some(({ der }) => online.some((key) => key.der === der)),
    ...Object.fromEntries(
      ONLINE.map((name) => [
        `${name}: another key`,
        onlineKey(before, name) !== onlineKey(signed, name),
      ]),
    ),
  };
  const unsatisfiable = ["root", ...ONLINE].filter((name) => !isSatisfiable(signed, name, dialect));
  return [
    ...readings(decode(next)),
    ...Object.keys(reasons).filter((reason) => reasons[reason]),
    ...unsatisfiable.map((name) => `${name}: keys or threshold wrong`),
  ];
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function members(value: unknown): Members {
  return typeof value === "object" && value !== null ? (value as Members) : {};
}

/** What JSON.parse hides: a member name twice in one object, a number in another form. */
function readings(text: string): readonly string[] {
  const found: string[] = [];
  const open: Set<unknown>[] = [];
  let before = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const name: unknown = JSON.parse(before);
      if (open.at(-1)?.has(name) === true) found.push(`member ${before} twice`);
      open.at(-1)?.add(name);
    } else if (/^[-\d]/.test(token)) {
      const plain = /^(?:0|[1-9]\d*)$/.test(token) && Number.isSafeInteger(Number(token));
      if (!plain) found.push(`number ${token.slice(0, 40)}`);
    }
    before = token;
  }
  return found;
}

function canonical(value: unknown, dialect: string): string {
  if (typeof value === "string") {
    const text = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
    if (dialect === "tuf") return `"${text}"`;
    return `"${text.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, dialect)).join(",")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const all = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${canonical(name, dialect)}:${canonical(member, dialect)}`);
  return `{${all.join(",")}}`;
}

interface Key {
  readonly keyid: unknown;
  readonly object: KeyObject;
  /** Written again: one key has one, whatever its id and its text are. */
  readonly der: string;
}

interface Role {
  readonly ids: readonly unknown[];
  readonly keys: readonly Key[];
}

function role(root: Members, name: string): Role {
  const { keyids } = members(members(root["roles"])[name]);
  const ids: readonly unknown[] = Array.isArray(keyids) ? keyids : [];
  const keys = ids.flatMap((keyid) => {
    const key = members(members(root["keys"])[String(keyid)]);
    const object = readKey(members(key["keyval"])["public"]);
    if (object === null) return [];
    return [{ keyid, object, der: object.export({ type: "spki", format: "der" }).toString("hex") }];
  });
  return { ids, keys };
}

/** Null for what is no key, or one that must not be trusted. */
function readKey(text: unknown): KeyObject | null {
  if (typeof text !== "string" || SMALL_ORDER.test(text)) return null;
  const x = Buffer.from(text, "hex").toString("base64url");
  const point = { key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" } as const;
  try {
    const key = createPublicKey(text.startsWith("-") ? text : point);
    return (key.asymmetricKeyDetails?.modulusLength ?? 2048) < 2048 ? null : key;
  } catch {
    return null;
  }
}

/** How many distinct keys of a role signed. */
function count({ keys }: Role, entries: unknown, message: Buffer, dialect: string): number {
  const list: readonly unknown[] = Array.isArray(entries) ? entries : [];
  const good = list.map(members).flatMap(({ keyid, sig }) => {
    const signature = Buffer.from(String(sig), dialect === "tuf" ? "hex" : "base64");
    return keys.filter((key) => key.keyid === keyid && verifies(key.object, message, signature));
  });
  return new Set(good.map(({ der }) => der)).size;
}

function verifies(key: KeyObject, message: Buffer, signature: Buffer): boolean {
  if (key.asymmetricKeyType === "ed25519") return verify(null, message, key, signature);
  if (key.asymmetricKeyType === "ec") return verify("sha256", message, key, signature);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return verify("sha256", message, { key, padding, saltLength: 32 }, signature);
}

/** Never reached unless it is a positive integer. */
function threshold(root: Members, name = "root"): number {
  const value = members(members(root["roles"])[name])["threshold"];
  return Number.isSafeInteger(value) && Number(value) >= 1 ? Number(value) : Infinity;
}

/** Every key is one, and they are enough; in ats, prod's targets wait for a second one at first. */
function isSatisfiable(root: Members, name: string, dialect: string): boolean {
  const { ids, keys } = role(root, name);
  if (keys.length < ids.length) return false;
  const distinct = new Set(keys.map(({ der }) => der)).size;
  const waiting = dialect === "ats" && name === "targets" && distinct === 1;
  return threshold(root, name) <= (waiting ? 1000 : distinct);
}

/** Timestamp and snapshot have nothing else; after the service's targets key come offline ones. */
function onlineKey(root: Members, name: string): string {
  const { ids, keys } = role(root, name);
  const [id, der] = [ids[0], keys[0]?.der];
  return JSON.stringify(
    name === "targets" ? [id, der] : [id, der, ids.length, threshold(root, name)],
  );
}
