/**
 * Holds what was asked and what was answered to the description in lib/api. An answer must be one that its
 * operation has: status, code, content type, shape, and no member besides. What was granted must have been
 * asked in a way that the description has.
 */
import * as v from "valibot";
import { OPERATIONS } from "../../lib/api/api.ts";
import type { Operation } from "../../lib/api/operation.ts";
import { PARTS } from "../../lib/api/path.ts";
import { refusal, refusalsOf } from "../../lib/api/refusals.ts";
import { STATUS } from "../../lib/api/status.ts";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** As it was sent. */
  readonly body: string | Uint8Array | undefined;
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What may be said of a path that no operation has. */
const NO_OPERATION = ["not-found", "method-not-allowed"];
const anywhere = refusalsOf({
  ...OPERATIONS[0],
  access: "public",
  path: "/",
  refusals: [],
} as Operation);

interface Init {
  readonly method?: string;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
}

/**
 * `fetch` that follows nothing.
 *
 * @throws Error where the description has no such answer, or no such request that is granted
 */
export async function fetchDescribed(url: string, init: Init = {}): Promise<Response> {
  const { method = "GET", headers, body } = init;
  const request = { method, redirect: "manual", ...(headers && { headers }) } as const;
  const response = await fetch(url, body === undefined ? request : { ...request, body });
  const text = await response.clone().text();
  const answered = { status: response.status, headers: response.headers, text };
  assertDescribed({ method, url, headers: new Headers(headers), body }, answered);
  return response;
}

function assertDescribed(asked: Asked, answered: Answered): void {
  const problems = problemsOf(asked, answered);
  if (problems.length === 0) return;
  const { pathname, search } = new URL(asked.url);
  const what = `${asked.method} ${pathname}${search}: ${answered.status}`;
  throw new Error(`${what} is not described: ${problems.join("; ")}`);
}

function operationOf(method: string, pathname: string): Operation | undefined {
  // HEAD is GET without a body.
  const own = method === "HEAD" ? "GET" : method;
  return OPERATIONS.find((one) => one.method === own && placeOf(one).test(pathname));
}

/** What the operation's route takes. */
function placeOf({ path }: Operation): RegExp {
  const segments = path.split("/").map((segment) => {
    const [, name, rest = ""] = /^\{(\w+)\}(.*)$/.exec(segment) ?? [];
    if (name === undefined) return literal(segment);
    const form = PARTS[name as keyof typeof PARTS].form.source.slice(1, -1);
    return rest === "" ? "[^/]+" : `${form}${literal(rest)}`;
  });
  return new RegExp(`^${segments.join("/")}$`);
}

const literal = (text: string): string => text.replaceAll(".", "\\.");

function problemsOf(asked: Asked, answered: Answered): readonly string[] {
  const operation = operationOf(asked.method, new URL(asked.url).pathname);
  const { status, text } = answered;
  if (operation === undefined) return refusalProblems(answered, [...anywhere, ...NO_OPERATION]);
  const isHead = asked.method === "HEAD";
  const granted = status in operation.answers && !("code" in objectOf(text));
  if (granted) {
    return [
      ...(isHead ? [] : answerProblems(operation, answered)),
      ...(status < 400 ? requestProblems(operation, asked) : []),
    ];
  }
  if (isHead) return [];
  return refusalProblems(answered, refusalsOf(operation));
}

function answerProblems(
  { answer }: Operation,
  { status, headers, text }: Answered,
): readonly string[] {
  if (answer === null || status === 204 || status === 304) {
    return text === "" ? [] : ["it has a body"];
  }
  const type = headers.get("content-type")?.split(";")[0];
  const media = "media" in answer ? answer.media : "application/json";
  const typed = type === media ? [] : [`Content-Type ${type} and not ${media}`];
  return "media" in answer ? typed : [...typed, ...shapeProblems(answer, parsed(text))];
}

function refusalProblems(
  { status, headers, text }: Answered,
  codes: readonly string[],
): readonly string[] {
  const body = parsed(text);
  const { code } = objectOf(text) as { readonly code?: unknown };
  const known = codes.find((one) => one === code);
  const retry = status === STATUS.busy || status === STATUS.unavailable;
  return [
    ...(known === undefined ? [`the code ${String(code)}`] : []),
    ...(known === undefined || STATUS[known as keyof typeof STATUS] === status
      ? []
      : [`the status of ${known}`]),
    ...(retry === headers.has("retry-after") ? [] : ["Retry-After"]),
    ...shapeProblems(refusal, body),
  ];
}

function requestProblems(operation: Operation, asked: Asked): readonly string[] {
  const { search } = new URL(asked.url);
  const { query = {}, headers = {} } = operation;
  const body = operation.accepted ?? operation.body;
  const sent = search === "" ? [] : search.slice(1).split("&");
  return [
    ...sent.flatMap((part) => {
      const [name = "", value = ""] = part.split("=");
      const parameter = query[name];
      return parameter !== undefined && v.is(parameter.form, value) ? [] : [`query ${part}`];
    }),
    ...Object.entries(headers).flatMap(([name, { form }]) => {
      const value = asked.headers.get(name);
      return value === null || v.is(form, value) ? [] : [`header ${name}`];
    }),
    ...(body === undefined ? [] : bodyProblems(body, asked.body)),
  ];
}

function bodyProblems(schema: v.GenericSchema, body: Asked["body"]): readonly string[] {
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  const read = v.safeParse(schema, parsed(text));
  return read.success
    ? []
    : [`a body with ${v.flatten(read.issues).root?.join() ?? "other members"}`];
}

function shapeProblems(schema: v.GenericSchema, body: unknown): readonly string[] {
  const read = v.safeParse(schema, body);
  if (read.success) return undescribed(body, read.output, "body");
  return read.issues.map((issue) => `${v.getDotPath(issue) ?? "body"}: ${issue.message}`);
}

/** Members that a schema left out are members that it does not have. */
function undescribed(body: unknown, read: unknown, at: string): readonly string[] {
  if (typeof body !== "object" || body === null) return [];
  const kept = (typeof read === "object" ? read : null) as Readonly<Record<string, unknown>> | null;
  return Object.entries(body).flatMap(([name, value]) =>
    kept !== null && Object.hasOwn(kept, name)
      ? undescribed(value, kept[name], `${at}.${name}`)
      : [`${at}.${name} is in no description`],
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function objectOf(text: string): object {
  const body = parsed(text);
  return typeof body === "object" && body !== null ? body : {};
}
