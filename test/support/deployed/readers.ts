/** What a call to each service is in terms of policies: actions, resources, and what conditions see. */
import type { IncomingMessage } from "node:http";
import { ACCOUNT, REGION } from "./cloud.ts";
import type { Layout } from "./emulators.ts";
import type { Asked } from "./policies.ts";

/** One call may need several rights. */
export type Reader = (request: IncomingMessage, body: Buffer) => readonly Asked[];

interface DynamoBody {
  readonly TableName: string;
  readonly IndexName?: string;
  readonly Key?: Readonly<Record<string, { readonly S: string }>>;
  readonly Item?: Readonly<Record<string, { readonly S: string }>>;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, { readonly S?: string }>>;
}

/** @param tables by their names */
export function readDynamo(tables: ReadonlyMap<string, Layout>): Reader {
  return (request, body) => {
    const asked = JSON.parse(body.toString("utf8")) as DynamoBody;
    const { TableName, IndexName, Key, Item } = asked;
    const table = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${TableName}`;
    const leadingKey = (Key ?? Item)?.[tables.get(TableName)?.partitionKey ?? ""]?.S;
    return [
      {
        action: `dynamodb:${operation(request)}`,
        resource: IndexName === undefined ? table : `${table}/index/${IndexName}`,
        ...(leadingKey !== undefined && { context: { "dynamodb:LeadingKeys": [leadingKey] } }),
      },
    ];
  };
}

interface KmsBody {
  readonly KeyId?: string;
  readonly KeySpec?: string;
  readonly KeyUsage?: string;
  readonly Tags?: readonly Tag[];
  readonly EncryptionContext?: Readonly<Record<string, string>>;
}
interface Tag {
  readonly TagKey: string;
  readonly TagValue: string;
}

/** @param tagsOf what a key that a function made was tagged with; undefined for every other key */
export function readKms(tagsOf: (key: string) => readonly Tag[] | undefined): Reader {
  return (request, body) => {
    const { KeyId = "", Tags = [], ...asked } = JSON.parse(body.toString("utf8")) as KmsBody;
    const action = `kms:${operation(request)}`;
    if (action === "kms:CreateKey") return creation(asked, Tags);
    const tags = tagsOf(KeyId);
    const context = {
      ...prefixed("kms:EncryptionContext:", asked.EncryptionContext ?? {}),
      // The one kind of key that is made here and signs.
      ...(tags && { "kms:KeySpec": "RSA_4096", "kms:KeyUsage": "SIGN_VERIFY" }),
      ...prefixed("aws:ResourceTag/", tagMembers(tags ?? [])),
    };
    return [{ action, resource: KeyId, context }];
  };
}

/** Tags are given by a right of their own. */
function creation({ KeySpec = "", KeyUsage = "" }: KmsBody, tags: readonly Tag[]): Asked[] {
  const names = { "aws:TagKeys": tags.map(({ TagKey }) => TagKey) };
  const given = { ...prefixed("aws:RequestTag/", tagMembers(tags)), ...names };
  const kind = { "kms:KeySpec": KeySpec, "kms:KeyUsage": KeyUsage };
  const newKey = `arn:aws:kms:${REGION}:${ACCOUNT}:key/new`;
  return [
    { action: "kms:CreateKey", resource: "*", context: { ...kind, ...given } },
    { action: "kms:TagResource", resource: newKey, context: given },
  ];
}

const S3_ACTIONS = new Map([
  ["GET", "s3:GetObject"],
  ["PUT", "s3:PutObject"],
  ["DELETE", "s3:DeleteObject"],
]);
/** S3 uses the bucket's key with the rights of whoever calls. */
const KEY_USES = new Map([
  ["s3:GetObject", "kms:Decrypt"],
  ["s3:PutObject", "kms:GenerateDataKey"],
]);

/** @param keyOf ARN of the key that encrypts a bucket; undefined where S3 has one of its own */
export function readS3(keyOf: (bucket: string) => string | undefined): Reader {
  return ({ headers, method = "", url }) => {
    const [bucket = ""] = String(headers.host).split(".");
    const { pathname } = new URL(url ?? "/", "http://s3");
    const action = S3_ACTIONS.get(method) ?? `s3:Unknown${method}`;
    const [use, key] = [KEY_USES.get(action), keyOf(bucket)];
    return [
      { action, resource: `arn:aws:s3:::${bucket}${pathname}` },
      ...(use === undefined || key === undefined ? [] : [{ action: use, resource: key }]),
    ];
  };
}

export const readSes: Reader = (_, body) => {
  const { FromEmailAddress, ConfigurationSetName } = JSON.parse(body.toString("utf8")) as {
    readonly FromEmailAddress: string;
    readonly ConfigurationSetName: string;
  };
  const [, domain = ""] = FromEmailAddress.split("@");
  const resources = [`identity/${domain}`, `configuration-set/${ConfigurationSetName}`];
  return resources.map((one) => ({
    action: "ses:SendEmail",
    resource: `arn:aws:ses:${REGION}:${ACCOUNT}:${one}`,
    context: { "ses:FromAddress": FromEmailAddress },
  }));
};

/** Each entry names its bus: the default one where it names none. */
export const readEvents: Reader = (request, body) => {
  const { Entries } = JSON.parse(body.toString("utf8")) as {
    readonly Entries: readonly { readonly Source: string; readonly EventBusName?: string }[];
  };
  return Entries.map(({ Source, EventBusName = "default" }) => ({
    action: `events:${operation(request)}`,
    resource: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${EventBusName}`,
    context: { "events:source": [Source] },
  }));
};

const INVOCATION = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

export const readLambda: Reader = ({ url = "" }) => {
  const [, arn = ""] = INVOCATION.exec(url) ?? [];
  return [{ action: "lambda:InvokeFunction", resource: decodeURIComponent(arn) }];
};

function operation(request: IncomingMessage): string {
  return String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
}

function tagMembers(tags: readonly Tag[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tags.map(({ TagKey, TagValue }) => [TagKey, TagValue]));
}

function prefixed(prefix: string, members: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [prefix + name, value]));
}
