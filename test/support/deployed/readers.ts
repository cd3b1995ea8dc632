/** What a call to each service is in terms of policies: an action, and a resource of the template. */
import type { IncomingMessage } from "node:http";
import type { Reader } from "./guard.ts";

interface DynamoBody {
  readonly TableName: string;
  readonly IndexName?: string;
  readonly Key?: Readonly<Record<string, { readonly S: string }>>;
  readonly Item?: Readonly<Record<string, { readonly S: string }>>;
}

/** @param tables by their names in the template, which are their names here */
export function readDynamo(tables: ReadonlySet<string>): Reader {
  return (request, body) => {
    const { TableName, IndexName, Key, Item } = JSON.parse(body.toString("utf8")) as DynamoBody;
    const name = tables.has(TableName) ? TableName : `unknown ${TableName}`;
    const leadingKey = (Key ?? Item)?.["pk"]?.S;
    return [
      {
        action: `dynamodb:${operation(request)}`,
        resource: IndexName === undefined ? name : `${name}/index/${IndexName}`,
        ...(leadingKey !== undefined && { leadingKey }),
      },
    ];
  };
}

/** @param keys names in the template by ARN */
export function readKms(keys: ReadonlyMap<string, string>): Reader {
  return (request, body) => {
    const { KeyId = "" } = JSON.parse(body.toString("utf8")) as { readonly KeyId?: string };
    return [
      { action: `kms:${operation(request)}`, resource: keys.get(KeyId) ?? `unknown ${KeyId}` },
    ];
  };
}

const S3_ACTIONS = new Map([
  ["GET", "s3:GetObject"],
  ["PUT", "s3:PutObject"],
  ["DELETE", "s3:DeleteObject"],
]);
const BUCKETS = new Map([
  ["archives", "Archives"],
  ["documents", "Documents"],
]);
/** S3 uses the bucket's key with the rights of whoever calls. */
const KEY_USES = new Map([
  ["s3:GetObject", "kms:Decrypt"],
  ["s3:PutObject", "kms:GenerateDataKey"],
]);

export function readS3(): Reader {
  return (request) => {
    const [, bucket = "", ...key] = new URL(request.url ?? "/", "http://s3").pathname.split("/");
    const action = S3_ACTIONS.get(request.method ?? "") ?? `unknown ${request.method}`;
    const resource = `${BUCKETS.get(bucket) ?? "unknown"}/${key.join("/")}`;
    const use = bucket === "archives" ? KEY_USES.get(action) : undefined;
    return [
      { action, resource },
      ...(use === undefined ? [] : [{ action: use, resource: "ArchiveKey" }]),
    ];
  };
}

const IDENTITY = "arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>";

export const readSes: Reader = () => [
  { action: "ses:SendEmail", resource: `${IDENTITY}:identity/<Sender>` },
  { action: "ses:SendEmail", resource: `${IDENTITY}:configuration-set/<Mail>` },
];

function operation(request: IncomingMessage): string {
  return String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
}
