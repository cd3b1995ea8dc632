/**
 * The rights of each function, and no more: one table to read, held to by test/infra. The missing rights
 * matter most:
 *
 * - only `bootstrap` wraps shares and stores archives, only `deliver` opens them;
 * - only `signer` uses online keys, and the table in which it keeps what it believes;
 * - `metadata`, which the whole internet reaches, writes nothing and sees no tokens;
 * - who makes no tokens can write none, and only `bootstrap` writes which requests there were;
 * - `roots`, which parses what strangers send, can destroy no share and no archive: they may be an
 *   owner's only copy of a key.
 */
import { Aws } from "aws-cdk-lib";
import { eventSource, type FunctionName } from "../settings.ts";
import type { Config } from "./config.ts";
import type { Right } from "./service-function.ts";
import type { StatefulStack } from "./stateful-stack.ts";

/**
 * The items of the main table (adapters/aws/tables.ts): heads and documents of Factories, and two more.
 */
const FACTORIES = "factory#*";
const TOKENS = "token#*";
const REQUESTS = "request#*";
const CLOCK = "clock";

/** ARNs. */
export interface Others {
  readonly signer: string;
  /** SES identity and configuration set; empty where no mail is sent. */
  readonly mail: readonly string[];
  /** https://HOST of this installation. */
  readonly publicUrl: string;
}

export function rightsOf(
  state: StatefulStack,
  { signer, mail, publicUrl }: Others,
  config: Config,
): Readonly<Record<FunctionName, readonly Right[]>> {
  const table = state.table.tableArn;
  const documents = {
    resources: [state.documents],
    wildcard: "documents are named by their SHA-256",
  };
  const archives = { resources: [state.archives], wildcard: "archives are named by a random id" };
  const shares = [state.shareTable.tableArn];

  const readsStore = [
    { actions: ["dynamodb:GetItem"], resources: [table] },
    { actions: ["s3:GetObject"], ...documents },
  ];
  const puts = (...leading: readonly string[]) =>
    leadingWith(leading, { actions: ["dynamodb:PutItem"], resources: [table] });
  const writesDocuments = [
    { actions: ["dynamodb:GetItem"], resources: [table] },
    { actions: ["s3:GetObject", "s3:PutObject"], ...documents },
  ];
  // The one deletion in the table is of tokens: heads and documents are never deleted.
  const listsAndDeletesTokens = [
    { actions: ["dynamodb:Query"], resources: [`${table}/index/factory`] },
    leadingWith([TOKENS], { actions: ["dynamodb:DeleteItem"], resources: [table] }),
  ];
  const asksSigner = [{ actions: ["lambda:InvokeFunction"], resources: [signer] }];
  const tells = [...mails(config.sender, mail), announces(publicUrl)];
  // A deletion is read back.
  const destroysDeliveries = [
    { actions: ["dynamodb:DeleteItem", "dynamodb:GetItem"], resources: shares },
    { actions: ["s3:DeleteObject"], ...archives },
  ];

  return {
    // Its documents are never so long that they lie in the bucket.
    bootstrap: [
      { actions: ["dynamodb:GetItem"], resources: [table] },
      puts(FACTORIES, TOKENS, REQUESTS),
      ...destroysDeliveries,
      { actions: ["dynamodb:PutItem"], resources: shares },
      { actions: ["s3:PutObject"], ...archives },
      { actions: ["kms:Encrypt"], resources: [state.shareKey.keyArn] },
      { actions: ["kms:GenerateDataKey"], resources: [state.archiveKey.keyArn] },
      ...asksSigner,
      ...tells,
    ],
    deliver: [
      ...writesDocuments,
      puts(FACTORIES, TOKENS),
      ...destroysDeliveries,
      { actions: ["s3:GetObject"], ...archives },
      { actions: ["kms:Decrypt"], resources: [state.shareKey.keyArn, state.archiveKey.keyArn] },
      ...tells,
    ],
    roots: [
      ...writesDocuments,
      puts(FACTORIES, TOKENS),
      ...listsAndDeletesTokens,
      ...asksSigner,
      ...tells,
    ],
    metadata: readsStore.map((right) =>
      right.resources[0] === table ? leadingWith([FACTORIES], right) : right,
    ),
    signer: [
      {
        actions: [
          "dynamodb:DeleteItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:UpdateItem",
        ],
        resources: [state.signerTable.tableArn],
      },
      { actions: ["kms:Decrypt", "kms:Encrypt"], resources: [state.sealingKey.keyArn] },
      ...(config.onlineKeys.includes("=kms") ? keysInKms() : []),
    ],
    refresh: [
      ...writesDocuments,
      // The schedule makes no tokens.
      puts(FACTORIES, CLOCK),
      { actions: ["dynamodb:Query"], resources: [`${table}/index/due`] },
      ...listsAndDeletesTokens,
      ...destroysDeliveries,
      ...asksSigner,
      ...tells,
    ],
  };
}

/** Events for programs: its own, and none that could be another installation's. */
function announces(publicUrl: string): Right {
  const bus = `arn:${Aws.PARTITION}:events:${Aws.REGION}:${Aws.ACCOUNT_ID}:event-bus/default`;
  return {
    actions: ["events:PutEvents"],
    resources: [bus],
    // A call may have several entries, so the key is a list: each entry's source must be this one.
    conditions: { "ForAllValues:StringEquals": { "events:source": [eventSource(publicUrl)] } },
  };
}

/** A right to those items of a table whose partition keys begin so. */
function leadingWith(keys: readonly string[], right: Right): Right {
  return {
    ...right,
    conditions: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [...keys] } },
  };
}

/** An identity is of a whole domain, which others send from, too: only as the one sender here. */
function mails(sender: string | null, resources: readonly string[]): readonly Right[] {
  if (sender === null) return [];
  const conditions = { StringEquals: { "ses:FromAddress": [sender] } };
  return [{ actions: ["ses:SendEmail"], resources, conditions }];
}

/**
 * Online keys in KMS: those that carry our tag. A function that may tag a key as it is made may tag any. So
 * the keys that it may use and destroy must also be of the one kind that is made here: never a key that
 * wraps.
 */
function keysInKms(): readonly Right[] {
  const tag = "rootward:factory";
  const tags = [tag, "rootward:instance", "rootward:role"];
  const kind = { "kms:KeySpec": "RSA_4096", "kms:KeyUsage": "SIGN_VERIFY" };
  return [
    {
      actions: ["kms:CreateKey"],
      resources: ["*"],
      wildcard: "a key that is not there yet has no name; only RSA-4096 with our tag may be made",
      conditions: { StringEquals: kind, Null: { [`aws:RequestTag/${tag}`]: "false" } },
    },
    {
      actions: ["kms:TagResource"],
      resources: ["*"],
      wildcard: "the tags of a key that is not there yet; only ours may be given",
      conditions: { "ForAllValues:StringEquals": { "aws:TagKeys": tags } },
    },
    {
      actions: ["kms:GetPublicKey", "kms:ScheduleKeyDeletion", "kms:Sign"],
      resources: [`arn:${Aws.PARTITION}:kms:${Aws.REGION}:${Aws.ACCOUNT_ID}:key/*`],
      wildcard: "they are made and destroyed with Factories; each is RSA-4096 and carries our tag",
      conditions: { StringEquals: kind, Null: { [`aws:ResourceTag/${tag}`]: "false" } },
    },
  ];
}
