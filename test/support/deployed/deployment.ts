/**
 * The AWS form on loopback, made from the synthesised templates and nothing else: tables, buckets and
 * keys by their properties, functions from the code, handler and environment that the template gives
 * them, routes as its gateway picks them, the schedule's target, and every call held to its policies.
 * Nobody is told of an emulator: requests go to the hosts of AWS, and are brought here on the way.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePage } from "../../../lib/cli/page.ts";
import { bundleFunctions } from "../../../lib/infra/bundle.ts";
import type { Config } from "../../../lib/infra/config.ts";
import type { GatewayEvent, GatewayResult } from "../../../lib/lambda/gateway.ts";
import { FUNCTIONS, type FunctionName } from "../../../lib/settings.ts";
import { FULL, synthesiseInto } from "../../infra/synth.ts";
import { startEvents, type SentEvent } from "../events.ts";
import { startKms } from "../kms.ts";
import { startSes, type SentMail } from "../ses.ts";
import { Cloud, REGION, type Made } from "./cloud.ts";
import {
  bucketKeys,
  indexesOf,
  makeKeys,
  partitionKeys,
  startBuckets,
  startTables,
} from "./emulators.ts";
import { FunctionProcess } from "./functions.ts";
import { eventOf, listenAsGateway, type Init } from "./gateway.ts";
import {
  forwarding,
  forwardingToDynamo,
  guarded,
  type Answering,
  type Call,
  type Ledger,
} from "./guard.ts";
import { Policies } from "./policies.ts";
import {
  readDynamo,
  readEvents,
  readKms,
  readLambda,
  readS3,
  readSes,
  type Reader,
} from "./readers.ts";
import { reroutedFetch } from "./reroute.ts";
import { routerOf } from "./routing.ts";

export const PUBLIC_URL = "https://tuf.example.com";
/** Of this Factory the online keys are in KMS; all others are sealed. */
export const IN_KMS = "vault";
const IN_KMS_ONLY = { onlineKeys: `${IN_KMS}/*=kms` };

export interface Deployment {
  readonly cloud: Cloud;
  readonly mails: readonly SentMail[];
  /** What programs were told on the account's default bus. */
  readonly events: readonly SentEvent[];
  readonly policies: Policies;
  /** Every call of an SDK that was allowed. */
  readonly calls: readonly Call[];
  /** Every run of a function, in order; invocations by other functions included. */
  readonly runs: readonly FunctionName[];
  /** Calls that a policy refused. */
  readonly refused: readonly string[];
  /** The gateway as an HTTP server, for clients that do not know of {@link reroute}. */
  readonly front: string;
  /** Where requests for {@link PUBLIC_URL} and for S3 go, by port; REROUTE of reroute.ts. */
  readonly reroute: Readonly<Record<string, number>>;
  /** As everywhere, for requests to {@link PUBLIC_URL} and to presigned URLs. */
  readonly fetch: typeof fetch;
  ask(method: string, path: string, init?: Init): Promise<Answer>;
  /** One run of the schedule, by the rule's target. */
  runSchedule(): Promise<void>;
  /** Moves the clock of every function. @param offset milliseconds from the real time */
  moveClock(offset: number): Promise<void>;
  logs(): string;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  json(): Record<string, unknown>;
}

/** @param adminToken SHA-256 of the operator's token */
export async function deploy(adminToken: string, more: Partial<Config> = {}): Promise<Deployment> {
  const started = new AsyncDisposableStack();
  try {
    return await start({ ...FULL, adminTokenSha256: adminToken, ...IN_KMS_ONLY, ...more }, started);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

async function start(config: Config, started: AsyncDisposableStack): Promise<Deployment> {
  const until = <T extends { stop(): Promise<void> }>(one: T): T => {
    started.defer(() => one.stop());
    return one;
  };
  const folder = mkdtempSync(join(tmpdir(), "rootward-deployed-"));
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  const bundles = await bundleFunctions(join(folder, "lambdas"), await bundlePage());
  const assembly = join(folder, "assembly");
  const stacks = synthesiseInto(assembly, config, bundles);

  const kms = until(await startKms());
  const keys = await makeKeys(stacks, kms.endpoint);
  const cloud = new Cloud(stacks, keys);
  const made = functionsOf(cloud);
  const policies = new Policies(cloud, made);
  const dynamo = until(await startTables(cloud));
  const s3 = until(await startBuckets(cloud, join(folder, "s3")));
  const ses = until(await startSes());
  const events = until(await startEvents());

  const ledger: Ledger = { calls: [], refused: [] };
  const guard = async (read: Reader, answer: Answering): Promise<number> => {
    const { endpoint } = until(await guarded(read, answer, policies, ledger));
    return Number(new URL(endpoint).port);
  };
  const functions = new Map<string, FunctionProcess>();
  const runs: FunctionName[] = [];
  const bucketKey = bucketKeys(cloud);
  const services = {
    dynamodb: await guard(
      readDynamo(partitionKeys(cloud)),
      forwardingToDynamo(dynamo.endpoint, indexesOf(cloud)),
    ),
    s3: await guard(
      readS3((bucket) => bucketKey.get(bucket)),
      forwarding(s3.endpoint),
    ),
    kms: await guard(
      readKms((key) => kms.keys.get(key)?.tags),
      forwarding(kms.endpoint),
    ),
    email: await guard(readSes, forwarding(ses.endpoint)),
    events: await guard(readEvents, forwarding(events.endpoint)),
    lambda: await guard(readLambda, invoking(functions)),
  };
  const hosts = Object.fromEntries(
    Object.entries(services).map(([name, port]) => [`${name}.${REGION}.amazonaws.com`, port]),
  );
  for (const [name, { id, properties }] of made) {
    const own = codeOf(assembly, properties);
    const env = { ...own.env, ...runtimeOf(name), REROUTE: JSON.stringify(hosts) };
    functions.set(
      cloud.arnOf(id),
      until(new FunctionProcess({ ...own, env, begins: () => runs.push(name) })),
    );
  }

  const route = routerOf(cloud);
  const scheduled = scheduledBy(cloud);
  const answer = async (event: GatewayEvent): Promise<GatewayResult> => {
    const to = functions.get(route(event.requestContext.http.method, event.rawPath));
    return (await to?.invoke(event)) as GatewayResult;
  };
  const front = until(await listenAsGateway(answer));
  const reroute = { ...hosts, [new URL(PUBLIC_URL).host]: Number(new URL(front.endpoint).port) };

  return {
    cloud,
    mails: ses.sent,
    events: events.sent,
    policies,
    ...ledger,
    runs,
    front: front.endpoint,
    reroute,
    fetch: reroutedFetch(reroute, fetch),
    ask: async (method, path, init = {}) => {
      const { statusCode, headers, body } = await answer(eventOf(method, path, init));
      const json = (): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;
      return { status: statusCode, headers, text: body, json };
    },
    runSchedule: async () => {
      await functions.get(scheduled)?.invoke({});
    },
    moveClock: async (offset) => {
      await Promise.all([...functions.values()].map((one) => one.moveClock(offset)));
    },
    logs: () => [...functions.values()].map(({ log }) => log).join("\n"),
    stop: () => started.disposeAsync(),
  };
}

export function functionsOf(cloud: Cloud): ReadonlyMap<FunctionName, Made> {
  const made = cloud.of("AWS::Lambda::Function");
  return new Map(
    FUNCTIONS.map((name) => {
      const found = made.find((one) => one.name.toLowerCase() === name);
      if (found === undefined) throw new Error(`the template has no function ${name}`);
      return [name, found];
    }),
  );
}

/** What the template says of a function's code. */
function codeOf(assembly: string, properties: Made["properties"]) {
  const { S3Key } = properties["Code"] as { readonly S3Key: string };
  const { Variables } = properties["Environment"] as {
    readonly Variables: Readonly<Record<string, string>>;
  };
  const folder = join(assembly, `asset.${S3Key.replace(/\.zip$/, "")}`);
  return { folder, handler: String(properties["Handler"]), env: Variables };
}

/** What Lambda adds to a function's environment. Emulators know one pair of keys only. */
function runtimeOf(name: FunctionName): Readonly<Record<string, string>> {
  return {
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: "S3RVER",
    AWS_SECRET_ACCESS_KEY: "S3RVER",
    AWS_SESSION_TOKEN: name,
  };
}

/** The one function that a rule invokes. */
function scheduledBy(cloud: Cloud): string {
  const targets = cloud.of("AWS::Events::Rule").flatMap(({ properties }) => {
    const all = properties["Targets"] as readonly { readonly Arn: string }[];
    return properties["ScheduleExpression"] === undefined ? [] : all;
  });
  const [target, ...others] = targets;
  if (target !== undefined && others.length === 0) return target.Arn;
  throw new Error("expected that one function is scheduled");
}

/** Lambda's own API. */
function invoking(functions: ReadonlyMap<string, FunctionProcess>): Answering {
  return async (request, body, response) => {
    const [asked] = readLambda(request, body);
    const to = functions.get(asked?.resource ?? "");
    const result = await to?.invoke(JSON.parse(body.toString("utf8")));
    response.end(JSON.stringify(result));
    return { units: 1 };
  };
}
