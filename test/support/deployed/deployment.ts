/**
 * The AWS form on loopback, made from the synthesised templates and nothing else: tables, buckets and
 * keys by their properties, functions from the code, handler and environment that the template gives
 * them, routes as its gateway picks them, the schedule's target, and every call held to its policies.
 * Nobody is told of an emulator: requests go to the hosts of AWS, and are brought here on the way.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePage } from "../../../lib/cli/serve/page.ts";
import { bundleFunctions } from "../../../lib/infra/bundle.ts";
import type { Config } from "../../../lib/infra/config.ts";
import type { GatewayEvent, GatewayResult } from "../../../lib/lambda/gateway.ts";
import { FUNCTIONS, type FunctionName } from "../../../lib/settings.ts";
import { FULL, synthesiseInto, type Synthesised } from "../../infra/synth.ts";
import type { SentEvent } from "../events.ts";
import { stockRsaKeys } from "../rsa-key.ts";
import type { SentMail } from "../ses.ts";
import { Cloud, REGION, type Made } from "./cloud.ts";
import type { Dynamo } from "../aws.ts";
import { FunctionProcess } from "./functions.ts";
import { eventOf, listenAsGateway, type Init } from "./gateway.ts";
import type { Call, Ledger } from "./guard.ts";
import { Policies } from "./policies.ts";
import { reroutedFetch } from "./reroute.ts";
import { routerOf } from "./routing.ts";
import { startServices, startWorld, type World } from "./world.ts";

export const PUBLIC_URL = "https://tuf.example.com";
/** Of this Factory the online keys are in KMS; all others are sealed. */
export const IN_KMS = "vault";

/** How many the stories ask for: three, and three again. */
const KEYS_IN_KMS = 6;

export interface Deployment {
  readonly cloud: Cloud;
  readonly dynamo: Dynamo;
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
  /** One run of the schedule, by the rule's target. @param event another than the rule's, from an operator */
  runSchedule(event?: object): Promise<unknown>;
  /** Moves the clock of every function. @param offset milliseconds from the real time */
  moveClock(offset: number): Promise<void>;
  /**
   * Another release of the same installation: tables, buckets and keys stay, and this one ends.
   *
   * @param change of the configuration that it was begun with
   */
  release(change: Partial<Config>): Promise<Deployment>;
  logs(): string;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  json(): Record<string, unknown>;
}

/** @param tokens SHA-256 of the operator's and of the pipeline's token */
export async function deploy(
  tokens: Pick<Config, "adminTokenSha256" | "provisionerTokenSha256">,
): Promise<Deployment> {
  const config = { ...FULL, ...tokens, onlineKeys: `${IN_KMS}/*=kms` };
  const folder = mkdtempSync(join(tmpdir(), "rootward-deployed-"));
  const started = new AsyncDisposableStack();
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const stocked = stockRsaKeys(KEYS_IN_KMS);
    const bundles = await bundleFunctions(join(folder, "lambdas"), await bundlePage());
    let releases = 0;
    const synthesise = (change: Partial<Config>) => {
      const assembly = join(folder, `assembly-${(releases += 1)}`);
      return { assembly, stacks: synthesiseInto(assembly, { ...config, ...change }, bundles) };
    };
    const first = synthesise({});
    const world = await startWorld(first.stacks, join(folder, "s3"), started);
    const release = async (change: Partial<Config>): Promise<Deployment> =>
      begin(world, { ...synthesise(change), started, release });
    await stocked;
    return await begin(world, { ...first, started, release });
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

interface Release {
  readonly stacks: Synthesised;
  /** The folder with the functions' code. */
  readonly assembly: string;
  /** What is stopped in the end. */
  readonly started: AsyncDisposableStack;
  readonly release: Deployment["release"];
}

async function begin(world: World, release: Release): Promise<Deployment> {
  const { stacks, assembly, started } = release;
  const own = started.use(new AsyncDisposableStack());
  const cloud = new Cloud(stacks, world.keys);
  const made = functionsOf(cloud);
  const policies = new Policies(cloud, made);
  const ledger: Ledger = { calls: [], refused: [] };
  const functions = new Map<string, FunctionProcess>();
  const runs: FunctionName[] = [];
  const hosts = await startServices({ world, cloud, policies, ledger, functions }, own);
  for (const [name, { id, properties }] of made) {
    const code = codeOf(assembly, properties);
    const env = { ...code.env, ...runtimeOf(name), REROUTE: JSON.stringify(hosts) };
    const one = new FunctionProcess({ ...code, env, begins: () => runs.push(name) });
    own.defer(() => one.stop());
    functions.set(cloud.arnOf(id), one);
  }

  const route = routerOf(cloud);
  const scheduled = scheduledBy(cloud);
  const answer = async (event: GatewayEvent): Promise<GatewayResult> => {
    const to = functions.get(route(event.requestContext.http.method, event.rawPath));
    return (await to?.invoke(event)) as GatewayResult;
  };
  const front = await listenAsGateway(answer);
  own.defer(() => front.stop());
  const reroute = { ...hosts, [new URL(PUBLIC_URL).host]: Number(new URL(front.endpoint).port) };

  return {
    cloud,
    policies,
    runs,
    reroute,
    ...ledger,
    dynamo: world.dynamo,
    mails: world.ses.sent,
    events: world.bus.sent,
    front: front.endpoint,
    fetch: reroutedFetch(reroute, fetch),
    ask: async (method, path, init = {}) => {
      const { statusCode, headers, ...rest } = await answer(eventOf(method, path, init));
      const encoding = rest.isBase64Encoded ? "base64" : "utf8";
      const text = Buffer.from(rest.body, encoding).toString("utf8");
      const json = (): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
      return { status: statusCode, headers, text, json };
    },
    runSchedule: async (event = {}) => functions.get(scheduled)?.invoke(event),
    moveClock: async (offset) => {
      await Promise.all([...functions.values()].map((one) => one.moveClock(offset)));
    },
    release: async (change) => {
      await own.disposeAsync();
      return release.release(change);
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
