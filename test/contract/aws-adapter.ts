/** The AWS adapters on emulators, which are started with the first test of a file. */
import { vi } from "vitest";
import { S3Archives } from "../../lib/adapters/aws/archives.ts";
import { DynamoClockRecords } from "../../lib/adapters/aws/clock-record.ts";
import { DynamoDocuments } from "../../lib/adapters/aws/documents.ts";
import { DynamoHeads } from "../../lib/adapters/aws/heads.ts";
import { ID_HEADER } from "../../lib/adapters/aws/notifier.ts";
import { S3Objects } from "../../lib/adapters/aws/objects.ts";
import { DynamoRequests } from "../../lib/adapters/aws/requests.ts";
import { DynamoShares } from "../../lib/adapters/aws/shares.ts";
import { DynamoSignerRecords } from "../../lib/adapters/aws/signer-records.ts";
import { MAIN_TABLE, SHARES_TABLE, SIGNER_TABLE } from "../../lib/adapters/aws/tables.ts";
import { DynamoTokens } from "../../lib/adapters/aws/tokens.ts";
import { DynamoTurns } from "../../lib/adapters/aws/turns.ts";
import { isJsonObject, jsonObject, parseJson, type JsonObject } from "../../lib/tuf/json.ts";
import {
  createTable,
  deleteTable,
  notifierOn,
  startDynamo,
  startEventsClient,
  startS3,
  startSesClient,
} from "../support/aws.ts";
import type { SentEvent } from "../support/events.ts";
import type { SentMail } from "../support/ses.ts";
import { random, type Adapter, type Opened } from "./adapters.ts";

type Emulators = Awaited<ReturnType<typeof start>>;

let emulators: Promise<Emulators> | null = null;

async function start() {
  const [dynamo, s3, ses, events] = await Promise.all([
    startDynamo(),
    startS3(),
    startSesClient(),
    startEventsClient(),
  ]);
  return { dynamo, s3, ses, events };
}

export const aws: Adapter = {
  name: "aws",
  async open() {
    emulators ??= start();
    return open(await emulators);
  },
  async stop() {
    const started = await emulators;
    emulators = null;
    if (started === null) return;
    await Promise.all(Object.values(started).map((one) => one.stop()));
  },
};

async function open({ dynamo: { client }, s3, ses, events }: Emulators): Promise<Opened> {
  const [table, sharesTable, signerTable, bucket] = await Promise.all([
    createTable(client, MAIN_TABLE),
    createTable(client, SHARES_TABLE),
    createTable(client, SIGNER_TABLE),
    s3.createBucket(),
  ]);
  ses.sent.length = 0;
  events.sent.length = 0;
  const now = (): number => Date.now();
  const objects = new S3Objects(s3.client, bucket);
  const start = () => ({
    heads: new DynamoHeads(client, table),
    documents: new DynamoDocuments({ dynamo: client, table, objects, now }),
    shares: new DynamoShares(client, sharesTable),
    archives: new S3Archives(s3.client, bucket, now),
    tokens: new DynamoTokens(client, table),
    requests: new DynamoRequests(client, table),
    turns: new DynamoTurns({
      client,
      table,
      now,
      randomBytes: random,
      times: { lease: 2000, patience: 10_000, pause: 20 },
    }),
    notifier: notifierOn(ses, events),
    records: new DynamoSignerRecords(client, signerTable),
  });
  return {
    ...start(),
    clock: new DynamoClockRecords(client, table),
    openArchive: (url, at) => (s3.ours ? openAt(url, at) : openClaimed(url, at)),
    mails: () => [...new Map(ses.sent.map((sent) => [idOf(sent), asText(sent)])).values()],
    withdraws: false,
    announced: () => [
      ...new Map(events.sent.map(detailOf).map((one) => [keyOf(one), one])).values(),
    ],
    medium: () => [],
    assertInvariants: () => undefined,
    restarted: start,
    remove: async () => {
      const tables = [table, sharesTable, signerTable];
      await Promise.all(tables.map((name) => deleteTable(client, name)));
      await s3.deleteBucket(bucket);
    },
  };
}

/** Asks an emulator that goes by this process's clock. */
async function openAt(url: string, at: number): Promise<Uint8Array | null> {
  // Nothing but the date.
  vi.useFakeTimers({ now: at, toFake: ["Date"] });
  try {
    return await fetchObject(url);
  } finally {
    vi.useRealTimers();
  }
}

/** Another process has a clock of its own: what a signed URL says of its end is believed. */
async function openClaimed(url: string, at: number): Promise<Uint8Array | null> {
  const { searchParams } = new URL(url);
  const [, ...date] =
    /^(....)(..)(..T..)(..)(..Z)$/.exec(searchParams.get("X-Amz-Date") ?? "") ?? [];
  const [year, month, day, minute, second] = date;
  const start = Date.parse(`${year}-${month}-${day}:${minute}:${second}`);
  const end = start + Number(searchParams.get("X-Amz-Expires")) * 1000;
  return at > end ? null : fetchObject(url);
}

async function fetchObject(url: string): Promise<Uint8Array | null> {
  const response = await fetch(url);
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  await response.body?.cancel();
  if (response.status >= 500) throw new Error(`the object store failed: ${response.status}`);
  return null;
}

function idOf({ Content: { Simple: content } }: SentMail): string {
  return content.Headers.find(({ Name }) => Name === ID_HEADER)?.Value ?? "";
}

function asText({ Destination, Content: { Simple: content } }: SentMail): string {
  return [
    `To: ${Destination.ToAddresses[0]}`,
    `Subject: ${content.Subject.Data}`,
    "",
    content.Body.Text.Data,
    "",
  ].join("\n");
}

function detailOf({ Detail }: SentEvent): JsonObject {
  const value = parseJson(new TextEncoder().encode(Detail), { maxBytes: 100_000 });
  return isJsonObject(value) ? value : jsonObject({});
}

/** By which a program knows what comes again. */
function keyOf({ factory, id }: JsonObject): string {
  return JSON.stringify([factory, id]);
}
