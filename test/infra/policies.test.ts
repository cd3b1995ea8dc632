/**
 * What the chain test holds calls to sees what it should see: of the synthesised policies, with AWS's own
 * rules, what is allowed, what is not, and what stays denied when somebody allows too much.
 */
import { expect, test } from "vitest";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { acknowledge } from "../../lib/infra/acknowledge.ts";
import type { FunctionName } from "../../lib/settings.ts";
import { ACCOUNT, Cloud, REGION } from "../support/deployed/cloud.ts";
import { functionsOf } from "../support/deployed/deployment.ts";
import { Policies, type Asked } from "../support/deployed/policies.ts";
import { FULL, synthesise, type Synthesised } from "./synth.ts";

function policiesOf(stacks: Synthesised): { readonly policies: Policies; readonly cloud: Cloud } {
  const keys = stacks.stateful.of("AWS::KMS::Key").map(({ id }, index) => {
    return [id, `arn:aws:kms:${REGION}:${ACCOUNT}:key/${index}`] as const;
  });
  const cloud = new Cloud(stacks, new Map(keys));
  return { policies: new Policies(cloud, functionsOf(cloud)), cloud };
}

const { policies, cloud } = policiesOf(synthesise(FULL));

/** An ARN by the name that a stack has for it, and what follows. */
function arnIn(one: Cloud, name: string, rest = ""): string {
  for (const type of ["DynamoDB::Table", "S3::Bucket", "KMS::Key", "Lambda::Function"]) {
    const found = one.of(`AWS::${type}`).find((made) => made.name === name);
    if (found !== undefined) return one.arnOf(found.id) + rest;
  }
  throw new Error(`no ${name}`);
}

const table = arnIn(cloud, "Table");
const leading = (key: string) => ({ "dynamodb:LeadingKeys": [key] });
const put = { action: "dynamodb:PutItem", resource: table };
const mail = {
  action: "ses:SendEmail",
  resource: `arn:aws:ses:${REGION}:${ACCOUNT}:identity/example.com`,
};
const sentFrom = (address: string) => ({ "ses:FromAddress": address });
const bus = (name: string) => `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${name}`;
const event = { action: "events:PutEvents", resource: bus("default") };
const from = (...sources: string[]) => ({ context: { "events:source": sources } });
const made = `arn:aws:kms:${REGION}:${ACCOUNT}:key/made`;
const kind = { "kms:KeySpec": "RSA_4096", "kms:KeyUsage": "SIGN_VERIFY" };
const tagged = { ...kind, "aws:ResourceTag/rootward:factory": "acme" };

test.each<readonly [boolean, FunctionName, Asked]>([
  [
    true,
    "metadata",
    { action: "dynamodb:GetItem", resource: table, context: leading("factory#a") },
  ],
  [false, "metadata", { action: "dynamodb:GetItem", resource: table, context: leading("token#a") }],
  [
    false,
    "metadata",
    { action: "dynamodb:PutItem", resource: table, context: leading("factory#a") },
  ],
  [true, "roots", { action: "dynamodb:DeleteItem", resource: table, context: leading("token#a") }],
  [
    false,
    "roots",
    { action: "dynamodb:DeleteItem", resource: table, context: leading("factory#a") },
  ],
  [false, "roots", { action: "dynamodb:Query", resource: table }],
  [true, "bootstrap", { ...put, context: leading("request#a") }],
  [true, "bootstrap", { ...put, context: leading("token#a") }],
  [false, "bootstrap", { ...put, context: leading("other#a") }],
  [true, "deliver", { ...put, context: leading("token#a") }],
  [false, "deliver", { ...put, context: leading("request#a") }],
  [true, "roots", { ...put, context: leading("factory#a") }],
  [false, "roots", { ...put, context: leading("request#a") }],
  [true, "refresh", { ...put, context: leading("factory#a") }],
  [false, "refresh", { ...put, context: leading("token#a") }],
  [true, "refresh", { ...mail, context: sentFrom("rootward@example.com") }],
  [false, "refresh", { ...mail, context: sentFrom("billing@example.com") }],
  [false, "refresh", mail],
  [false, "metadata", { ...mail, context: sentFrom("rootward@example.com") }],
  [true, "bootstrap", { action: "kms:Encrypt", resource: arnIn(cloud, "ShareKey") }],
  [false, "bootstrap", { action: "kms:Decrypt", resource: arnIn(cloud, "ShareKey") }],
  [true, "deliver", { action: "kms:Decrypt", resource: arnIn(cloud, "ShareKey") }],
  [false, "deliver", { action: "kms:Decrypt", resource: arnIn(cloud, "SealingKey") }],
  [true, "deliver", { action: "s3:GetObject", resource: arnIn(cloud, "Archives", "/archives/a") }],
  [false, "deliver", { action: "s3:GetObject", resource: arnIn(cloud, "Archives", "/other/a") }],
  [
    false,
    "roots",
    { action: "s3:DeleteObject", resource: arnIn(cloud, "Archives", "/archives/a") },
  ],
  [true, "roots", { action: "lambda:InvokeFunction", resource: arnIn(cloud, "Signer") }],
  [false, "deliver", { action: "lambda:InvokeFunction", resource: arnIn(cloud, "Signer") }],
  [true, "deliver", { ...event, ...from("rootward.tuf.example.com") }],
  [false, "deliver", { ...event, ...from("rootward.other.example.com") }],
  [false, "deliver", { ...event, ...from("rootward.tuf.example.com", "aws.health") }],
  [false, "deliver", { ...event, resource: bus("other"), ...from("rootward.tuf.example.com") }],
  [false, "metadata", { ...event, ...from("rootward.tuf.example.com") }],
  [false, "signer", { ...event, ...from("rootward.tuf.example.com") }],
  [true, "signer", { action: "kms:Sign", resource: made, context: tagged }],
  [false, "signer", { action: "kms:Sign", resource: made, context: kind }],
  [false, "signer", { action: "kms:ScheduleKeyDeletion", resource: arnIn(cloud, "SealingKey") }],
  [
    true,
    "signer",
    {
      action: "kms:CreateKey",
      resource: "*",
      context: { ...kind, "aws:RequestTag/rootward:factory": "a" },
    },
  ],
  [false, "signer", { action: "kms:CreateKey", resource: "*", context: kind }],
])("%s: %s, %j", async (expected, by, asked) => {
  expect(await policies.allows(by, asked)).toBe(expected);
});

test("a request without TLS is denied, whoever sends it", async () => {
  const resource = arnIn(cloud, "Archives", "/archives/a");
  const plain = { action: "s3:GetObject", resource, context: { "aws:SecureTransport": "false" } };
  expect(await policies.allows("deliver", plain)).toBe(false);
});

test("a reserved key stays closed to a role that was allowed everything", async () => {
  const everything = new PolicyStatement({ actions: ["kms:*", "s3:*"], resources: ["*"] });
  const wide = synthesise({ ...FULL, name: "wide" }, ({ stateless }) => {
    const { role } = stateless.functions.roots;
    if (role === undefined) throw new Error("no role");
    role.addToPrincipalPolicy(everything);
    const found = ["Action::kms:*", "Action::s3:*", "Resource::*"].map((what) => {
      return [`AwsSolutions-IAM5[${what}]`, "a mistake, made here on purpose"];
    });
    acknowledge(role, Object.fromEntries(found) as Record<string, string>);
  });
  const { policies: all, cloud: other } = policiesOf(wide);
  const object = { action: "s3:GetObject", resource: arnIn(other, "Archives", "/archives/a") };
  expect(await all.allows("roots", object)).toBe(true);
  for (const key of ["ShareKey", "ArchiveKey", "SealingKey"]) {
    for (const action of ["kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:CreateGrant"]) {
      expect(await all.allows("roots", { action, resource: arnIn(other, key) })).toBe(false);
    }
  }
});

test("what AWS does not know is an error, and no answer", async () => {
  const unknown = { action: "dynamodb:GetThing", resource: table };
  await expect(policies.allows("metadata", unknown)).rejects.toThrow("GetThing");
});
