/**
 * Reading requests: token, body within its limit, JSON by the strict reader, and names in paths.
 * Whatever is wrong is a RootwardError with a code; nothing of a body is ever in a message.
 */
import type { Context } from "hono";
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import { authorizeFactory, TOKEN_PREFIX } from "../service/authorize.ts";
import type { Scope } from "../state/scopes.ts";
import type { Needs } from "../service/service.ts";
import { fromBase64 } from "../tuf/bytes.ts";
import { channelsOf, type Channel, type Dialect } from "../tuf/dialect.ts";
import { parseJson, type JsonLimits } from "../tuf/json.ts";
import { BodyClock } from "./body-time.ts";
import { factoryParam } from "./ask.ts";
import { connectionEnv } from "./connection-env.ts";

/** Requests other than roots and targets are small. */
const SMALL_BODY = 65_536;
/** A schema looks at each of them, and has an issue for each that does not fit. */
const SMALL_VALUES = 1000;
/** The first findings of a body are enough to put it right. */
const MAX_ERRORS = 20;

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

/** The principal, and the head of the Factory in the path; see authorizeFactory. */
export async function authorizeOwner(
  service: Needs<"heads" | "now" | "tokens">,
  c: Context,
  scope: Scope,
) {
  return authorizeFactory(service, requestToken(c), scope, factoryParam(c));
}

/** The channel that `?production=1` selects, as fioctl asks for prod. */
export function channelOf(dialect: Dialect, production: string | undefined): Channel {
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
 * @throws RootwardError `unsupported-media-type` unless it is declared as JSON, `too-large`, `timeout`
 */
export async function readBody(c: Context, maxBytes: number): Promise<Uint8Array> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new RootwardError("unsupported-media-type", "expected Content-Type: application/json");
  }
  if (c.req.header("content-encoding") !== undefined) {
    throw new RootwardError("unsupported-media-type", "expected a body without Content-Encoding");
  }
  // Declared: nothing of it is looked at.
  if (Number(c.req.header("content-length") ?? 0) > maxBytes) throw bodyTooLarge(maxBytes);
  const env = connectionEnv(c);
  const stream = c.req.raw.body as ReadableStream<Uint8Array> | null;
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  const clock = new BodyClock(env?.bodies ?? null, maxBytes > SMALL_BODY);
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const part = await clock.wait(readPart(reader), total);
    if (part.done) return Buffer.concat(chunks);
    total += part.value.length;
    if (total > maxBytes) {
      await throwAway(reader, env?.linger ?? { time: 0, bytes: 0 });
      throw bodyTooLarge(maxBytes);
    }
    chunks.push(part.value);
    if (total > SMALL_BODY) env?.holdBody(chunks, total);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function readPart(reader: Reader) {
  return reader.read().catch(() => {
    throw new RootwardError("malformed", "request body ended early");
  });
}

/** Reads on for a while: a sender that is still sending would not get to the answer. */
async function throwAway(
  reader: Reader,
  linger: { readonly time: number; readonly bytes: number },
): Promise<void> {
  const clock = new BodyClock({ time: linger.time, rate: 1 }, false);
  for (let left = linger.bytes; left > 0;) {
    const part = await clock.wait(reader.read(), 0).catch(() => null);
    if (part === null || part.done) return;
    left -= part.value.length;
  }
}

function bodyTooLarge(maxBytes: number): RootwardError {
  return new RootwardError("too-large", `body: expected at most ${maxBytes} bytes`);
}

/** The JSON body as its description has it; small unless `limits` says otherwise. */
export async function readJson<const S extends v.GenericSchema>(
  { c, operation }: { readonly c: Context; readonly operation: { readonly body: S } },
  limits: JsonLimits = { maxBytes: SMALL_BODY, maxValues: SMALL_VALUES },
): Promise<{ readonly value: v.InferOutput<S>; readonly bytes: Uint8Array }> {
  const bytes = await readBody(c, limits.maxBytes);
  const parsed = v.safeParse(operation.body, parseJson(bytes, limits));
  if (parsed.success) return { value: parsed.output, bytes };
  const errors = parsed.issues.slice(0, MAX_ERRORS).map((issue) => {
    const path = issue.path?.map(({ key }) => showKey(key)).join(".") ?? "body";
    return `${path}: ${issue.expected === null ? issue.message : `expected ${issue.expected}`}`;
  });
  const more = parsed.issues.length - errors.length;
  if (more > 0) errors.push(`and ${more} more`);
  throw new RootwardError("malformed", "request body does not fit", { errors });
}

/** A member's name as it came, or as much of it as a line has room for. */
function showKey(key: unknown): string {
  const text = String(key);
  return text.length <= 64 ? text : `${text.slice(0, 64)}...`;
}
