/**
 * Reading requests: token, body within its limit, JSON by the strict reader, and names in paths.
 * Whatever is wrong is a RootwardError with a code; nothing of a body is ever in a message.
 */
import type { Context } from "hono";
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import { isFactoryName, type FactoryName } from "../factory/names.ts";
import { authorizeFactory, TOKEN_PREFIX } from "../service/authorize.ts";
import type { Scope } from "../service/scopes.ts";
import type { Service } from "../service/service.ts";
import { fromBase64 } from "../tuf/bytes.ts";
import { channelsOf, type Channel, type Dialect } from "../tuf/dialect.ts";
import { parseJson, type JsonLimits } from "../tuf/json.ts";

/** Requests other than roots are small. */
const MAX_BODY_BYTES = 65_536;

/** A name in a body: of an owner, a user. */
export const printable = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,200}$/, "expected 1 to 200 printable ASCII characters without spaces"),
);

/**
 * The token of a request, from `OSF-TOKEN` (fioctl) or `Authorization: Bearer`; null without.
 * fioctl encodes what it has from OAuth in base64 once more.
 */
export function requestToken(c: Context): string | null {
  const own = c.req.header("osf-token");
  if (own !== undefined) return own;
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(c.req.header("authorization") ?? "")?.[1];
  if (bearer === undefined || bearer.startsWith(TOKEN_PREFIX)) return bearer ?? null;
  const inside = fromBase64(bearer);
  return inside === null ? bearer : Buffer.from(inside).toString("latin1");
}

/** The Factory in the path; a name that no Factory can have does not exist. */
export function factoryParam(c: Context): FactoryName {
  const name = c.req.param("factory") ?? "";
  if (!isFactoryName(name)) {
    throw new RootwardError("not-found", "no such Factory: names are ^[a-z0-9][a-z0-9-]{1,62}$");
  }
  return name;
}

/** Who asks, and the head of the Factory in the path; see authorizeFactory. */
export async function authorizeOwner(service: Service, c: Context, scope: Scope) {
  return authorizeFactory(service, requestToken(c), scope, factoryParam(c));
}

/** The channel that `?production=1` selects, as fioctl asks for prod. */
export function channelQuery(c: Context, dialect: Dialect): Channel {
  const production = c.req.query("production");
  if (production !== undefined && production !== "1") {
    throw new RootwardError("malformed", "query production: expected 1 or nothing");
  }
  const channels = channelsOf(dialect);
  const channel = channels[production === "1" ? 1 : 0];
  if (channel === undefined) {
    throw new RootwardError("not-found", `this Factory's only channel is ${channels.join()}`);
  }
  return channel;
}

/**
 * The body's bytes.
 *
 * @throws RootwardError `unsupported-media-type` unless it is declared as JSON, `too-large`
 */
export async function readBody(c: Context, maxBytes: number): Promise<Uint8Array> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new RootwardError("unsupported-media-type", "expected Content-Type: application/json");
  }
  if (c.req.header("content-encoding") !== undefined) {
    throw new RootwardError("unsupported-media-type", "expected a body without Content-Encoding");
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  const stream = c.req.raw.body as ReadableStream<Uint8Array> | null;
  const reader = stream?.getReader();
  for (;;) {
    const part = await reader?.read().catch(() => {
      throw new RootwardError("malformed", "body: it broke off");
    });
    if (part === undefined || part.done) return Buffer.concat(chunks);
    const chunk = part.value;
    total += chunk.length;
    if (total > maxBytes) {
      await reader?.cancel();
      throw new RootwardError("too-large", `body: expected at most ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
}

/** A JSON body that fits `schema`; small unless `limits` says otherwise. */
export async function readJson<const S extends v.GenericSchema>(
  c: Context,
  schema: S,
  limits: JsonLimits = { maxBytes: MAX_BODY_BYTES },
): Promise<{ readonly value: v.InferOutput<S>; readonly bytes: Uint8Array }> {
  const bytes = await readBody(c, limits.maxBytes);
  const parsed = v.safeParse(schema, parseJson(bytes, limits));
  if (parsed.success) return { value: parsed.output, bytes };
  const errors = parsed.issues.map((issue) => {
    const path = issue.path?.map(({ key }) => String(key)).join(".") ?? "body";
    return `${path}: ${issue.expected === null ? issue.message : `expected ${issue.expected}`}`;
  });
  throw new RootwardError("malformed", "request body does not fit", { errors });
}
