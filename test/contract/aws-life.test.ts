/** The main job on the AWS adapters: bootstrap, one-time delivery, offline rotation, refresh. */
import { randomBytes } from "node:crypto";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, expect, it } from "vitest";
import { S3Archives } from "../../lib/adapters/aws/archives.ts";
import { DynamoDocuments } from "../../lib/adapters/aws/documents.ts";
import { DynamoHeads } from "../../lib/adapters/aws/heads.ts";
import { KmsWrapper } from "../../lib/adapters/aws/key-wrapper.ts";
import { S3Objects } from "../../lib/adapters/aws/objects.ts";
import { DynamoRequests } from "../../lib/adapters/aws/requests.ts";
import { DynamoShares } from "../../lib/adapters/aws/shares.ts";
import { DynamoSignerRecords } from "../../lib/adapters/aws/signer-records.ts";
import { MAIN_TABLE, SHARES_TABLE, SIGNER_TABLE } from "../../lib/adapters/aws/tables.ts";
import { DynamoTokens } from "../../lib/adapters/aws/tokens.ts";
import { DynamoTurns } from "../../lib/adapters/aws/turns.ts";
import type { Principal } from "../../lib/service/authority.ts";
import { readHead } from "../../lib/service/store.ts";
import { publishTargets } from "../../lib/service/publish-targets.ts";
import { believedClock } from "../../lib/service/service.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { createToken, revokeToken } from "../../lib/service/tokens.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import {
  createTable,
  deleteTable,
  notifierOn,
  startDynamo,
  startEventsClient,
  startKmsClient,
  startS3,
  startSesClient,
} from "../support/aws.ts";
import { withBoundary } from "../support/boundary-calls.ts";
import {
  ALICE,
  bootstrapOf,
  claimAs,
  confirmAs,
  FACTORY,
  MALLORY,
  nextRoots,
  refusal,
  submitAs,
  takeArchive,
} from "../support/memory-owner.ts";
import { ownerOf } from "../support/memory-root-update.ts";
import { entriesOf } from "../support/memory-targets.ts";
import { DAY } from "../support/memory-service.ts";
import { reportTo, serviceOn } from "../support/service-on.ts";

type World = Awaited<ReturnType<typeof start>>;

let world: World;
beforeAll(async () => {
  world = await start();
});
afterAll(() => world.stop());

async function start() {
  const [dynamo, s3, kms, ses, events] = await Promise.all([
    startDynamo(),
    startS3(),
    startKmsClient(),
    startSesClient(),
    startEventsClient(),
  ]);
  const tables = {
    main: await createTable(dynamo.client, MAIN_TABLE),
    shares: await createTable(dynamo.client, SHARES_TABLE),
    signer: await createTable(dynamo.client, SIGNER_TABLE),
  };
  const bucket = await s3.createBucket();
  const { KeyMetadata: key } = await kms.client.send(
    new CreateKeyCommand({ KeySpec: "SYMMETRIC_DEFAULT", KeyUsage: "ENCRYPT_DECRYPT" }),
  );
  return {
    ses,
    events,
    /** What the time is, in milliseconds after the present. */
    later: 0,
    tables,
    wrapper: new KmsWrapper(kms.client, key?.Arn ?? ""),
    dynamo: dynamo.client,
    s3: s3.client,
    bucket,
    async stop() {
      for (const name of Object.values(tables)) await deleteTable(dynamo.client, name);
      await s3.deleteBucket(bucket);
      await Promise.all([dynamo, s3, kms, ses, events].map((one) => one.stop()));
    },
  };
}

/** The service, begun anew as a function is. */
function begin() {
  const { dynamo, s3, bucket, tables, wrapper } = world;
  const objects = new S3Objects(s3, bucket);
  const now = (): number => Date.now() + world.later;
  const reports: string[] = [];
  const open = async (url: string): Promise<Uint8Array | null> => {
    const response = await fetch(url);
    const bytes = new Uint8Array(await response.arrayBuffer());
    return response.ok ? bytes : null;
  };
  const stores = {
    heads: new DynamoHeads(dynamo, tables.main),
    documents: new DynamoDocuments({ dynamo, table: tables.main, objects, now }),
    shares: new DynamoShares(dynamo, tables.shares),
    archives: Object.assign(new S3Archives(s3, bucket, now), { open }),
    tokens: new DynamoTokens(dynamo, tables.main),
    requests: new DynamoRequests(dynamo, tables.main),
    turns: new DynamoTurns({ client: dynamo, table: tables.main, now, randomBytes: random }),
    notifier: notifierOn(world.ses, world.events),
    records: new DynamoSignerRecords(dynamo, tables.signer),
  };
  return { service: serviceOn(stores, wrapper, believedClock(now), reportTo(reports)), reports };
}

function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

async function count(table: string): Promise<number> {
  const scan = new ScanCommand({ TableName: table, Select: "COUNT" });
  return (await world.dynamo.send(scan)).Count ?? -1;
}

it("a Factory lives on DynamoDB, S3, KMS, SES and EventBridge", async () => {
  const { service, reports } = begin();
  const link = (await bootstrapOf(service, "ats")).delivery.url ?? "";
  expect(world.ses.sent[0]?.Content.Simple.Body.Text.Data).toContain(link);
  expect(await count(world.tables.shares)).toBe(1);

  const archive = await takeArchive(begin(), link, ALICE);
  await expect(claimAs(service, link, MALLORY)).rejects.toMatchObject({ code: "delivery-used" });
  await confirmAs(service, link, ALICE, archive);
  const told = world.events.sent.map(({ DetailType }) => DetailType);
  expect(told).toEqual(["delivery-refused", "delivery-confirmed"]);
  expect(await count(world.tables.shares)).toBe(0);
  const { idHash } = (await readHead(service, FACTORY)).delivery;
  expect(await service.archives.get(idHash)).toBeNull();

  const { roots } = await nextRoots({ service }, archive);
  for (const [channel, root] of roots) await submitAs(service, channel, root);
  const rotated = await readHead(service, FACTORY);
  expect([rotated.roles.ci?.root.version, rotated.roles.prod?.root.version]).toEqual([2, 2]);

  world.later = 6 * DAY;
  expect(await runSchedule(begin().service)).toBe(1);
  const refreshed = await readHead(service, FACTORY);
  const version = (head: typeof rotated): number => head.roles.ci?.timestamp?.version ?? 0;
  expect(version(refreshed)).toBeGreaterThan(version(rotated));
  expect(reports).toEqual([]);
});

it("a token is revoked while a publication by it has the lease, and then publishes nothing", async () => {
  const { service } = begin();
  const boss = await ownerOf(service, "boss");
  const spec = { user: "worker", scopes: boss.token.scopes, expiresAt: null } as const;
  const { token, id } = await createToken(service, FACTORY, boss, spec);
  const record = await service.tokens.find(sha256Text(token));
  if (record === null) throw new Error("no token was made");
  const stolen: Principal = { token: record, actor: `token:${id}`, scope: "root:update" };
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let rounds = 0;
  const slow = withBoundary(service, {
    sign: async (request) => {
      const isTargets = request.content.role === "targets";
      if (isTargets) rounds += 1;
      // The first round is lost, so that the second one has the lease. The signer hangs in it.
      if (isTargets && rounds === 1) await createToken(service, FACTORY, boss, spec);
      if (isTargets && rounds === 2) {
        asked.resolve();
        await go.promise;
      }
      return service.boundary.sign(request);
    },
  });
  const order: string[] = [];
  const entries = entriesOf({ evil: "evil" });
  const request = { factory: FACTORY, principal: stolen, entries, remove: [] };
  const published = refusal(publishTargets(slow, request)).then((code) => order.push(code));
  await Promise.race([asked.promise, published]);
  expect(rounds).toBe(2);
  const revoked = revokeToken(service, FACTORY, boss, id).then(() => order.push("revoked"));
  // Many more answers of the database than a revocation takes.
  for (let read = 0; read < 300 && order.length === 0; read += 1) {
    await readHead(service, FACTORY);
  }
  go.resolve();
  await Promise.all([revoked, published]);
  expect(order).toEqual(["revoked", "unauthenticated"]);
});
