/**
 * The AWS form on loopback, made from the synthesised template: tables and buckets by its properties,
 * functions from their bundles with its environment, routes as the gateway picks them, and every call
 * held to its policies.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import S3rver from "@20minutes/s3rver";
import { CreateTableCommand, type CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { bundlePage } from "../../../lib/cli/page.ts";
import { bundleFunctions } from "../../../lib/infra/bundle.ts";
import { environmentOf, FUNCTIONS, type FunctionName } from "../../../lib/settings.ts";
import type { GatewayEvent, GatewayResult } from "../../../lib/lambda/gateway.ts";
import { FULL, synthesise, type Synthesised } from "../../infra/synth.ts";
import { startDynamo, startKmsClient, startSesClient } from "../aws.ts";
import { routeOf } from "../gateway.ts";
import { listen, type Loopback } from "../loopback.ts";
import type { SentMail } from "../ses.ts";
import { FunctionProcess } from "./functions.ts";
import { guarded } from "./guard.ts";
import { isAllowed, type Asked } from "./policy.ts";
import { readDynamo, readKms, readS3, readSes } from "./readers.ts";

export const PUBLIC_URL = "https://tuf.example.com";
const SIGNER = "arn:aws:lambda:eu-west-1:111122223333:function:signer";

export interface Deployment {
  readonly stacks: Synthesised;
  readonly mails: readonly SentMail[];
  /** Calls that a policy refused. */
  readonly refused: readonly string[];
  ask(method: string, path: string, init?: Init): Promise<Answer>;
  runSchedule(): Promise<void>;
  /** The gateway as an HTTP server, for clients that are no test's own. */
  listen(): Promise<Loopback>;
  logs(): string;
  stop(): Promise<void>;
}

interface Init {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  json(): Record<string, unknown>;
}

/** @param adminToken SHA-256 of the operator's token */
export async function deploy(adminToken: string): Promise<Deployment> {
  const stacks = synthesise({ ...FULL, onlineKeys: "" });
  const folder = mkdtempSync(join(tmpdir(), "rootward-deployed-"));
  const bundles = await bundleFunctions(join(folder, "lambdas"), await bundlePage());
  const [dynamo, kms, ses] = await Promise.all([startDynamo(), startKmsClient(), startSesClient()]);
  const tables = await createTables(stacks, dynamo.client);
  const keys = new Map<string, string>();
  for (const name of ["ShareKey", "SealingKey", "ArchiveKey"]) {
    const command = new CreateKeyCommand({
      KeySpec: "SYMMETRIC_DEFAULT",
      KeyUsage: "ENCRYPT_DECRYPT",
    });
    keys.set((await kms.client.send(command)).KeyMetadata?.Arn ?? "", name);
  }
  const arnOf = (name: string): string => [...keys].find(([, one]) => one === name)?.[0] ?? "";
  const buckets = ["archives", "documents"];
  const s3 = await startBuckets(join(folder, "s3"), buckets);

  const refused: string[] = [];
  const allowed = (asked: Asked): boolean => isAllowed(stacks, asked);
  const guards = await Promise.all([
    guarded(dynamo.endpoint, readDynamo(tables), allowed, refused),
    guarded(s3.endpoint, readS3(), allowed, refused),
    guarded(await endpointOf(kms.client.config), readKms(keys), allowed, refused),
    guarded(ses.endpoint, readSes, allowed, refused),
  ]);
  const [dynamoUrl, s3Url, kmsUrl, sesUrl] = guards.map(({ endpoint }) => endpoint);

  const functions = new Map<FunctionName, FunctionProcess>();
  const lambda = await invoking(functions, allowed, refused);
  const values = {
    table: "Table",
    documentBucket: "documents",
    shareTable: "ShareTable",
    shareKey: arnOf("ShareKey"),
    archiveBucket: "archives",
    archiveOrigin: "https://archives.example.com",
    signerTable: "SignerTable",
    sealingKey: arnOf("SealingKey"),
    onlineKeys: "",
    signerFunction: SIGNER,
    publicUrl: PUBLIC_URL,
    sender: "rootward@example.com",
    configurationSet: "mail",
    adminToken,
  };
  for (const name of FUNCTIONS) {
    assertEnvironment(stacks, name, environmentOf(name, values));
    functions.set(
      name,
      new FunctionProcess(bundles[name].folder, {
        ...environmentOf(name, values),
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: "Rootward",
        AWS_REGION: "eu-west-1",
        AWS_ACCESS_KEY_ID: "S3RVER",
        AWS_SECRET_ACCESS_KEY: "S3RVER",
        AWS_SESSION_TOKEN: name,
        AWS_ENDPOINT_URL_DYNAMODB: dynamoUrl,
        AWS_ENDPOINT_URL_S3: s3Url,
        AWS_ENDPOINT_URL_KMS: kmsUrl,
        AWS_ENDPOINT_URL_SESV2: sesUrl,
        AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
      }),
    );
  }
  const invoke = async (name: FunctionName, event: unknown): Promise<unknown> =>
    functions.get(name)?.invoke(event);

  const routed = async (event: GatewayEvent): Promise<GatewayResult> => {
    const to = routeOf(event.requestContext.http.method, event.rawPath);
    return (await invoke(to, event)) as GatewayResult;
  };

  return {
    stacks,
    mails: ses.sent,
    refused,
    ask: async (method, path, init = {}) => {
      const { statusCode, headers, body } = await routed(eventOf(method, path, init));
      const json = (): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;
      return { status: statusCode, headers, text: body, json };
    },
    listen: () =>
      listen((request, response) => {
        void (async () => {
          const sent = (await buffer(request)).toString("utf8");
          const headers = Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
          );
          const init = { headers, ...(sent !== "" && { body: sent }) };
          const event = eventOf(request.method ?? "GET", request.url ?? "/", init);
          const { statusCode, headers: answered, body, isBase64Encoded } = await routed(event);
          response.writeHead(statusCode, answered);
          response.end(Buffer.from(body, isBase64Encoded ? "base64" : "utf8"));
        })();
      }),
    runSchedule: async () => {
      await invoke("refresh", {});
    },
    logs: () => [...functions.values()].map(({ log }) => log).join("\n"),
    stop: async () => {
      for (const one of functions.values()) one.stop();
      const all = [...guards, lambda, dynamo, kms, ses, s3];
      await Promise.all(all.map((one) => one.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function createTables(
  { stateful }: Synthesised,
  client: Awaited<ReturnType<typeof startDynamo>>["client"],
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const { id, Properties } of stateful.of("AWS::DynamoDB::Table")) {
    const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, BillingMode } = Properties;
    const TableName = id.slice(0, -8);
    const input = {
      KeySchema,
      AttributeDefinitions,
      GlobalSecondaryIndexes,
      BillingMode,
      TableName,
    };
    await client.send(new CreateTableCommand(input as CreateTableCommandInput));
    names.add(TableName);
  }
  return names;
}

async function startBuckets(directory: string, names: readonly string[]): Promise<Loopback> {
  const configureBuckets = names.map((name) => ({ name }));
  const s3 = new S3rver({ directory, silent: true, vhostBuckets: false, configureBuckets });
  await s3.configureBuckets();
  return listen(s3.callback());
}

async function endpointOf(config: unknown): Promise<string> {
  const { endpoint } = config as { endpoint: () => Promise<Record<string, unknown>> };
  const { hostname, port } = await endpoint();
  return `http://${String(hostname)}:${String(port)}`;
}

/** Lambda's own API: who may invoke the signer is a right like every other. */
function invoking(
  functions: ReadonlyMap<FunctionName, FunctionProcess>,
  allowed: (asked: Asked) => boolean,
  refused: string[],
): Promise<Loopback> {
  return listen((request, response) => {
    void (async () => {
      const by = request.headers["x-amz-security-token"] as FunctionName;
      const asked = { by, action: "lambda:InvokeFunction", resource: "Signer" };
      const path = `/2015-03-31/functions/${encodeURIComponent(SIGNER)}/invocations`;
      if (request.url !== path || !allowed(asked)) {
        refused.push(`${by}: ${asked.action} on ${String(request.url)}`);
        response.writeHead(403).end("{}");
        return;
      }
      const event = JSON.parse((await buffer(request)).toString("utf8")) as unknown;
      response.end(JSON.stringify(await functions.get("signer")?.invoke(event)));
    })();
  });
}

/** What the template writes is what the function is started with. */
function assertEnvironment(
  { stateless }: Synthesised,
  name: FunctionName,
  env: Readonly<Record<string, string>>,
): void {
  const id = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
  const made = stateless.of("AWS::Lambda::Function").find((one) => one.id.slice(0, -8) === id);
  const { Variables } = (made?.Properties["Environment"] ?? { Variables: {} }) as {
    readonly Variables: Readonly<Record<string, unknown>>;
  };
  const written = Object.keys(Variables).filter((key) => key.startsWith("ROOTWARD_"));
  const missing = Object.keys(env).filter((key) => !written.includes(key));
  if (missing.length > 0 || written.length !== Object.keys(env).length) {
    throw new Error(`environment of ${name}: the template has ${written.join(", ")}`);
  }
}

function eventOf(method: string, path: string, { token, body, headers }: Init): GatewayEvent {
  const url = new URL(path, PUBLIC_URL);
  return {
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: {
      host: "api.example.com",
      ...(token !== undefined && { "osf-token": token }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    isBase64Encoded: false,
    requestContext: { domainName: "api.example.com", http: { method } },
  };
}
