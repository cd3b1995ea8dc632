/**
 * The calls of the client, one function each: path, body and what is read of the answer. Names go
 * into paths unescaped. An answer of another type than expected fails the command.
 */
import { decodeKey, decodeRoot, ROOT, SIGNATURE_MAP, TARGETS_MAP } from "./documents.ts";
import type { RootShape, Signatures, TufKey, TufRoot, TufTargets } from "./documents.ts";
import { GoError, HttpError, statusOf } from "./go-error.ts";
import {
  bool,
  decode,
  encode,
  field,
  list,
  map,
  optional,
  pointer,
  raw,
  struct,
  text,
} from "./go-shapes.ts";
import { send, type ClientOptions } from "./http.ts";

interface RootPair {
  readonly "ci-root": string;
  readonly "prod-root": string;
  readonly "online-keys": Readonly<Record<string, string>> | null;
}

export interface Note {
  readonly message: string;
}

export interface RootUpdates {
  readonly status: string;
  readonly current: RootPair | null;
  readonly updated: RootPair | null;
  readonly amendments: readonly Note[] | null;
  readonly issues: {
    readonly errors: readonly Note[] | null;
    readonly warnings: readonly Note[] | null;
  };
}

export interface Started {
  readonly txid: string;
  /** The first root key's halves, as they came. */
  readonly "first_root.sec": string | null;
  readonly "first_root.pub": string | null;
}

const NOTES = list(struct(field("kind", text), field("message", text), field("args", map(text))));
const PAIR = pointer(
  struct(field("ci-root", text), field("prod-root", text), field("online-keys", map(text))),
);
const UPDATES = struct(
  field("status", text),
  field("current", PAIR),
  field("updated", PAIR),
  field(
    "change-meta",
    pointer(
      struct(
        field("created-by", text),
        field("created-at", text),
        field("updated-by", text),
        field("updated-at", text),
      ),
    ),
  ),
  field("first-time", bool),
  field("amendments", NOTES),
  field("issues", struct(field("errors", NOTES), field("warnings", NOTES))),
);
const STARTED = struct(
  field("txid", text),
  field("first_root.sec", raw),
  field("first_root.pub", raw),
);
const USER = struct(
  field("polis-id", text),
  field("name", text),
  field("role", text),
  field("teams-ext", list(struct())),
  field("effective-scopes", list(text)),
);
const PUT = struct(
  field("txid", text),
  field("ci-root", pointer(ROOT.whole)),
  field("prod-root", pointer(ROOT.whole)),
  optional("targets-signatures", SIGNATURE_MAP),
  optional("waves-signatures", SIGNATURE_MAP),
);

const repo = ({ factory }: ClientOptions): string => `/ota/repo/${factory}/api/v1/user_repo`;
const home = ({ factory }: ClientOptions): string => `/ota/factories/${factory}`;
const updates = (client: ClientOptions): string => `${repo(client)}/root/updates`;
const query = (prod: boolean): string => (prod ? "?production=1" : "");

export async function getRoot(
  client: ClientOptions,
  which: { readonly prod?: boolean; readonly version?: number } = {},
  shape: RootShape = ROOT,
): Promise<TufRoot> {
  const { prod = false, version } = which;
  const file = version === undefined ? "root.json" : `${version}.root.json`;
  return decodeRoot(await send(client, "GET", `${repo(client)}/${file}${query(prod)}`), shape);
}

/** The older way: a whole signed root. */
export async function postRoot(
  client: ClientOptions,
  body: string,
  { prod = false } = {},
): Promise<void> {
  await send(client, "POST", `${repo(client)}/root${query(prod)}`, body);
}

export async function getUpdates(client: ClientOptions): Promise<RootUpdates> {
  return decode(UPDATES, await send(client, "GET", updates(client))) as RootUpdates;
}

export async function initUpdates(
  client: ClientOptions,
  order: { readonly message: string; readonly firstTime: boolean; readonly shortcut: boolean },
): Promise<Started> {
  const { message, firstTime, shortcut } = order;
  const body = encode(
    struct(field("first-time", bool), field("message", text), field("shortcut", bool)),
    { "first-time": firstTime, message, shortcut },
  );
  const answer = await send(client, "POST", updates(client), body).catch((error: unknown) => {
    if (!(error instanceof HttpError) || error.status !== 409) throw error;
    const more = "\n=Only one TUF root updates transaction can be active at a time";
    throw new HttpError(error.message + more, 409);
  });
  return decode(STARTED, answer) as Started;
}

export async function putUpdates(
  client: ClientOptions,
  staged: {
    readonly txid: string;
    readonly ci: TufRoot;
    readonly prod: TufRoot;
    readonly targets?: Signatures | null;
    readonly waves?: Signatures | null;
  },
): Promise<void> {
  const { txid, ci, prod, targets = null, waves = null } = staged;
  const body = encode(PUT, {
    txid,
    "ci-root": ci,
    "prod-root": prod,
    "targets-signatures": targets,
    "waves-signatures": waves,
  });
  await send(client, "PUT", updates(client), body);
}

export async function generateOnlineKeys(
  client: ClientOptions,
  order: { readonly txid: string; readonly keyType: string; readonly roles: readonly string[] },
): Promise<void> {
  const flags = [...order.roles].sort().map((role) => [role, true] as const);
  const shape = struct(
    field("key-type", text),
    ...flags.map(([role]) => field(role, bool)),
    field("txid", text),
  );
  const body = { "key-type": order.keyType, txid: order.txid, ...Object.fromEntries(flags) };
  await send(client, "POST", `${updates(client)}/gen-online-keys`, encode(shape, body));
}

export async function applyUpdates(client: ClientOptions, txid: string): Promise<void> {
  const body = encode(struct(field("txid", text)), { txid });
  await send(client, "POST", `${updates(client)}/apply`, body);
}

export async function cancelUpdates(client: ClientOptions): Promise<void> {
  await send(client, "POST", `${updates(client)}/cancel`);
}

export async function getPolisId(client: ClientOptions): Promise<string> {
  const user = decode(USER, await send(client, "GET", `${home(client)}/users/self/`));
  return (user as { readonly "polis-id": string })["polis-id"];
}

/**
 * Production targets by tag, or wave targets by name; null where the service has none (404) and they
 * need not exist.
 */
export async function getTargets(
  client: ClientOptions,
  kind: "prod" | "wave",
  { names = [], mustExist }: { readonly names?: readonly string[]; readonly mustExist: boolean },
): Promise<Readonly<Record<string, TufTargets>> | null> {
  const filter = kind === "prod" ? "tag" : "name";
  const path = `${home(client)}/${kind}-targets/?${filter}=${names.join()}`;
  const answer = await send(client, "GET", path).catch((error: unknown) => {
    if (!mustExist && statusOf(error) === 404) return null;
    throw error;
  });
  if (answer === null) return null;
  return decode(TARGETS_MAP, answer) as Readonly<Record<string, TufTargets>> | null;
}

export async function getOnlineTargetsKey(client: ClientOptions): Promise<TufKey> {
  return decodeKey(await send(client, "GET", `${home(client)}/ci-targets.pub`));
}

/** The older way to the first root key. */
export async function getFirstKey(client: ClientOptions): Promise<TufKey> {
  return decodeKey(await send(client, "GET", `${home(client)}/first_root.sec`));
}

/** The id of the online targets key as it is staged. */
export function stagedOnlineTargets({ updated }: RootUpdates): string {
  const keyid = updated?.["online-keys"]?.["targets"] ?? "";
  if (keyid === "") throw new GoError("Unable to find online Target key for Factory");
  return keyid;
}
