/**
 * Emulators behind a guard that asks the templates' policies about each call first, and notes what the
 * call was. Who calls is in the session token: the emulators do not look at it, and the SDK signs it.
 */
import { request as send, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { FUNCTIONS, type FunctionName } from "../../../lib/settings.ts";
import { listen, type Loopback } from "../loopback.ts";
import type { Policies } from "./policies.ts";
import type { Reader } from "./readers.ts";
import { restoreHost } from "./reroute.ts";

/** A call as AWS would count it. */
export interface Call {
  readonly by: FunctionName;
  readonly action: string;
  readonly resource: string;
  /** DynamoDB's request units; 1 elsewhere. */
  readonly units: number;
  /** Whether it is no request of its own: a right that another one needs besides, or the SDK's repetition. */
  readonly isBesides: boolean;
}

export interface Ledger {
  readonly calls: Call[];
  /** What a policy did not allow. */
  readonly refused: string[];
}

/** Answers the request. @returns how many units that took, as {@link Call} counts them */
export type Answering = (
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
) => Promise<{ readonly units: number }>;

/** @param answer does what was asked, once it is allowed; it never hears of anything else */
export function guarded(
  read: Reader,
  answer: Answering,
  policies: Policies,
  { calls, refused }: Ledger,
): Promise<Loopback> {
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    restoreHost(request);
    const body = await buffer(request);
    // A browser asks first whether it may ask; S3 answers that by the bucket's CORS rules.
    if (request.method === "OPTIONS") return void (await answer(request, body, response));
    const by = callerOf(request);
    if (by === undefined) return deny(response);
    const asked = read(request, body);
    for (const one of asked) {
      if (await policies.allows(by, one)) continue;
      refused.push(`${by}: ${one.action} on ${one.resource}`);
      return deny(response);
    }
    const { units } = await answer(request, body, response);
    for (const [index, { action, resource }] of asked.entries()) {
      // S3 sends a request of its own to KMS; every other second right is about the same one.
      const ofS3 = action.startsWith("kms:") && asked[0]?.action.startsWith("s3:") === true;
      const isBesides = isRepetition(request) || (index > 0 && !ofS3);
      calls.push({ by, action, resource, units: index === 0 ? units : 1, isBesides });
    }
  };
  return listen((request, response) => {
    pass(request, response).catch((error: unknown) => {
      refused.push(String(error));
      response.destroy();
    });
  });
}

function deny(response: ServerResponse): void {
  response.writeHead(403, { "Content-Type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify({ __type: "AccessDeniedException", message: "denied" }));
}

/** The SDK numbers its attempts. How many there are depends on the machine. */
function isRepetition({ headers }: IncomingMessage): boolean {
  return !/attempt=1(?:;|$)/.test(String(headers["amz-sdk-request"] ?? "attempt=1"));
}

/** @returns undefined for whoever shows no signature of a function; S3 takes none of those either */
function callerOf({ headers, url }: IncomingMessage): FunctionName | undefined {
  const { searchParams } = new URL(url ?? "/", "http://aws");
  const token = headers["x-amz-security-token"] ?? searchParams.get("X-Amz-Security-Token");
  return FUNCTIONS.find((name) => name === token);
}

/** Passes a call on to an emulator. */
export function forwarding(target: string): Answering {
  return async (request, body, response) => {
    const answer = await forward(target, request, body);
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    response.end(await buffer(answer));
    return { units: 1 };
  };
}

/** A secondary index: entries of items that have all of its keys. */
export interface Index {
  readonly keys: readonly string[];
  /** Whether an entry is the whole item, and not its keys alone. */
  readonly whole: boolean;
}

/**
 * The same for DynamoDB, which says how many request units a call took when it is asked to. What the
 * emulator leaves out is added: a query is never free, and a write changes the indexes as well.
 *
 * @param tables by their names
 */
export function forwardingToDynamo(
  target: string,
  tables: ReadonlyMap<string, { readonly indexes: readonly Index[] }>,
): Answering {
  return async (request, body, response) => {
    const asked = JSON.parse(body.toString("utf8")) as Asked;
    const told = Buffer.from(JSON.stringify({ ...asked, ReturnConsumedCapacity: "TOTAL" }));
    const answer = await forward(target, request, told);
    const text = await buffer(answer);
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    response.end(text);
    const { ConsumedCapacity } = JSON.parse(text.toString("utf8")) as {
      readonly ConsumedCapacity?: { readonly CapacityUnits: number };
    };
    const units = Math.max(ConsumedCapacity?.CapacityUnits ?? 1, LEAST_UNITS);
    return { units: units + indexUnits(asked, units, tables.get(asked.TableName)?.indexes ?? []) };
  };
}

interface Asked {
  readonly TableName: string;
  readonly Item?: object;
  readonly ConditionExpression?: string;
}

/** What an eventually consistent read of next to nothing takes. */
const LEAST_UNITS = 0.5;

/** A new item is one entry; one that replaces another takes its entry out as well. */
function indexUnits({ Item, ConditionExpression }: Asked, units: number, all: readonly Index[]) {
  if (Item === undefined) return 0;
  const isNew = ConditionExpression?.startsWith("attribute_not_exists") === true;
  const entries = all
    .filter(({ keys }) => keys.every((key) => key in Item))
    .map(({ whole }) => (whole ? units : 1) * (isNew ? 1 : 2));
  return entries.reduce((sum, one) => sum + one, 0);
}

function forward(target: string, request: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  const { method, url } = request;
  const headers = { ...request.headers, "content-length": `${body.length}` };
  return new Promise((resolve, reject) => {
    const forwarded = send(new URL(url ?? "/", target), { method, headers }, resolve);
    forwarded.on("error", reject);
    forwarded.end(body);
  });
}
