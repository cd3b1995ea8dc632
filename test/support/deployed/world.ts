/**
 * What outlives a release: tables, buckets, keys, and whoever is told of something. And how a release
 * reaches all of it: each service at the host that it has in AWS, behind the release's own policies.
 */
import type { Synthesised } from "../../infra/synth.ts";
import type { Dynamo } from "../aws.ts";
import { startEvents, type FakeEvents } from "../events.ts";
import { startKms, type FakeKms } from "../kms.ts";
import type { Loopback } from "../loopback.ts";
import { startSes, type FakeSes } from "../ses.ts";
import { Cloud, REGION } from "./cloud.ts";
import { bucketKeys, makeKeys, startBuckets, startTables, tablesIn } from "./emulators.ts";
import type { FunctionProcess } from "./functions.ts";
import { forwarding, forwardingToDynamo, guarded, type Answering, type Ledger } from "./guard.ts";
import type { Policies } from "./policies.ts";
import {
  readDynamo,
  readEvents,
  readKms,
  readLambda,
  readS3,
  readSes,
  type Reader,
} from "./readers.ts";

export interface World {
  /** ARNs by logical ids of the first templates, which later ones keep. */
  readonly keys: ReadonlyMap<string, string>;
  readonly kms: FakeKms;
  readonly dynamo: Dynamo;
  readonly s3: Loopback;
  readonly ses: FakeSes;
  readonly bus: FakeEvents;
}

/** @param folder for what is in the buckets */
export async function startWorld(
  stacks: Synthesised,
  folder: string,
  started: AsyncDisposableStack,
): Promise<World> {
  const until = <T extends { stop(): Promise<void> }>(one: T): T => {
    started.defer(() => one.stop());
    return one;
  };
  const kms = until(await startKms());
  const keys = await makeKeys(stacks, kms.endpoint);
  const cloud = new Cloud(stacks, keys);
  return {
    keys,
    kms,
    dynamo: until(await startTables(cloud)),
    s3: until(await startBuckets(cloud, folder)),
    ses: until(await startSes()),
    bus: until(await startEvents()),
  };
}

interface Release {
  readonly world: World;
  readonly cloud: Cloud;
  readonly policies: Policies;
  readonly ledger: Ledger;
  /** By ARN; the signer is invoked by others. */
  readonly functions: ReadonlyMap<string, FunctionProcess>;
}

/** @returns a port for each host of AWS */
export async function startServices(
  { world, cloud, policies, ledger, functions }: Release,
  started: AsyncDisposableStack,
): Promise<Readonly<Record<string, number>>> {
  const { dynamo, s3, kms, ses, bus } = world;
  const tables = await tablesIn(dynamo);
  const bucketKey = bucketKeys(cloud);
  const services: Readonly<Record<string, readonly [Reader, Answering]>> = {
    dynamodb: [readDynamo(tables), forwardingToDynamo(dynamo.endpoint, tables)],
    s3: [readS3((bucket) => bucketKey.get(bucket)), forwarding(s3.endpoint)],
    kms: [readKms((key) => kms.keys.get(key)?.tags), forwarding(kms.endpoint)],
    email: [readSes, forwarding(ses.endpoint)],
    events: [readEvents, forwarding(bus.endpoint)],
    lambda: [readLambda, invoking(functions)],
  };
  const hosts = Object.entries(services).map(async ([name, [read, answer]]) => {
    const { endpoint, stop } = await guarded(read, answer, policies, ledger);
    started.defer(stop);
    return [`${name}.${REGION}.amazonaws.com`, Number(new URL(endpoint).port)] as const;
  });
  return Object.fromEntries(await Promise.all(hosts));
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
