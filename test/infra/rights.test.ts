/**
 * What each function may do, action by action: a right that is added anywhere must be added here, where
 * somebody reads it. And who must never have what.
 */
import { describe, expect, test } from "vitest";
import { FUNCTIONS, type FunctionName } from "../../lib/settings.ts";
import { FULL, SHIPPED, shown, synthesise, type Template } from "./synth.ts";

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** Each right of a function, as `action on resource`. */
function rightsIn({ stateless }: { stateless: Template }, name: FunctionName) {
  const id = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Role`;
  const policies = stateless.of("AWS::IAM::Policy").filter((policy) => policy.id.startsWith(id));
  return policies
    .flatMap(({ Properties }) => {
      const { Statement: all } = Properties["PolicyDocument"] as {
        readonly Statement: readonly Statement[];
      };
      return all.flatMap(({ Action, Resource, Condition }) =>
        [Action].flat().flatMap((action) =>
          [Resource].flat().map((on) => ({
            text: `${action} on ${shown(on)}`,
            condition: JSON.stringify(Condition ?? null),
          })),
        ),
      );
    })
    .toSorted((a, b) => (a.text < b.text ? -1 : 1));
}

const full = synthesise(FULL);
const textsOf = (name: FunctionName) => rightsIn(full, name).map(({ text }) => text);

const STORE = ["dynamodb:GetItem on Table", "dynamodb:PutItem on Table"];
const DOCUMENTS = [
  "s3:GetObject on Documents/documents/*",
  "s3:PutObject on Documents/documents/*",
];
const DESTROYS = [
  "dynamodb:DeleteItem on ShareTable",
  "dynamodb:GetItem on ShareTable",
  "s3:DeleteObject on Archives/archives/*",
];
const TOKENS = ["dynamodb:DeleteItem on Table", "dynamodb:Query on Table/index/factory"];
const SIGNER = ["lambda:InvokeFunction on Signer"];
const MAIL = [
  "ses:SendEmail on arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:configuration-set/<Mail>",
  "ses:SendEmail on arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:identity/<Sender>",
];
const EVENTS = [
  "events:PutEvents on arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default",
];
const log = (name: string) => [
  `logs:CreateLogStream on ${name}Log`,
  `logs:PutLogEvents on ${name}Log`,
];

const EXPECTED: Readonly<Record<FunctionName, readonly string[]>> = {
  bootstrap: [
    ...log("Bootstrap"),
    ...STORE,
    ...DESTROYS,
    "dynamodb:PutItem on ShareTable",
    "s3:PutObject on Archives/archives/*",
    "kms:Encrypt on ShareKey",
    "kms:GenerateDataKey on ArchiveKey",
    ...SIGNER,
    ...MAIL,
    ...EVENTS,
  ],
  deliver: [
    ...log("Deliver"),
    ...STORE,
    ...DOCUMENTS,
    ...DESTROYS,
    "s3:GetObject on Archives/archives/*",
    "kms:Decrypt on ShareKey",
    "kms:Decrypt on ArchiveKey",
    ...MAIL,
    ...EVENTS,
  ],
  roots: [...log("Roots"), ...STORE, ...DOCUMENTS, ...TOKENS, ...SIGNER, ...MAIL, ...EVENTS],
  metadata: [
    ...log("Metadata"),
    "dynamodb:GetItem on Table",
    "s3:GetObject on Documents/documents/*",
  ],
  signer: [
    ...log("Signer"),
    "dynamodb:DeleteItem on SignerTable",
    "dynamodb:GetItem on SignerTable",
    "dynamodb:PutItem on SignerTable",
    "dynamodb:Query on SignerTable",
    "dynamodb:UpdateItem on SignerTable",
    "kms:Decrypt on SealingKey",
    "kms:Encrypt on SealingKey",
    "kms:CreateKey on *",
    "kms:TagResource on *",
    "kms:GetPublicKey on arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*",
    "kms:ScheduleKeyDeletion on arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*",
    "kms:Sign on arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*",
  ],
  refresh: [
    ...log("Refresh"),
    ...STORE,
    ...DOCUMENTS,
    "dynamodb:Query on Table/index/due",
    ...TOKENS,
    ...DESTROYS,
    ...SIGNER,
    ...MAIL,
    ...EVENTS,
  ],
};

test.each(FUNCTIONS)("%s", (name) => {
  expect(textsOf(name)).toEqual(EXPECTED[name].toSorted((a, b) => (a < b ? -1 : 1)));
});

describe("however it is configured", () => {
  const shipped = synthesise(SHIPPED);

  test.each([
    ["with everything", full],
    ["as it is shipped", shipped],
  ])("%s: no action has a wildcard, and no role a policy of AWS", (_, stacks) => {
    for (const name of FUNCTIONS) {
      expect(rightsIn(stacks, name).filter(({ text }) => /^[^ ]*\*/.test(text))).toEqual([]);
    }
    for (const { Properties } of stacks.stateless.of("AWS::IAM::Role")) {
      expect(Properties).not.toHaveProperty("ManagedPolicyArns");
      expect(Properties).not.toHaveProperty("Policies");
    }
  });

  test("without online keys in KMS nobody can make or use one", () => {
    const all = FUNCTIONS.flatMap((name) => rightsIn(shipped, name)).map(({ text }) => text);
    expect(all.filter((text) => /kms:(?:CreateKey|Sign|Tag|Schedule)/.test(text))).toEqual([]);
    expect(all.filter((text) => text.startsWith("ses:"))).toEqual([]);
  });

  test("programs are told also where no mail is sent, and without a domain by CloudFront's name", () => {
    const told = FUNCTIONS.filter((name) =>
      rightsIn(shipped, name).some(({ text }) => text === EVENTS[0]),
    );
    expect(told).toEqual(["bootstrap", "deliver", "roots", "refresh"]);
    const [{ condition } = { condition: "" }] = rightsIn(shipped, "deliver").filter(
      ({ text }) => text === EVENTS[0],
    );
    expect(condition).toMatch(
      /"Fn::Join":\["",\["rootward\.",\{"Fn::GetAtt":\["\w+","DomainName"\]/,
    );
  });
});

describe("conditions", () => {
  const conditionOf = (name: FunctionName, text: string): string | undefined =>
    rightsIn(full, name).find((right) => right.text === text)?.condition;

  test("what is deleted in the table is a token", () => {
    for (const name of ["roots", "refresh"] as const) {
      expect(conditionOf(name, "dynamodb:DeleteItem on Table")).toContain('["token#*"]');
    }
  });

  test("what is written in the table is what a function makes, and the schedule makes no tokens", () => {
    const written = FUNCTIONS.map((name) => [name, conditionOf(name, "dynamodb:PutItem on Table")]);
    const only = (...keys: readonly string[]) =>
      JSON.stringify({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys } });
    expect(Object.fromEntries(written)).toEqual({
      bootstrap: only("factory#*", "token#*", "request#*"),
      deliver: only("factory#*", "token#*"),
      roots: only("factory#*", "token#*"),
      refresh: only("factory#*", "clock"),
    });
  });

  test("mail is from the one sender, whatever else the domain sends", () => {
    const condition = '{"StringEquals":{"ses:FromAddress":["rootward@example.com"]}}';
    for (const name of ["bootstrap", "deliver", "roots", "refresh"] as const) {
      for (const text of MAIL) expect(conditionOf(name, text)).toBe(condition);
    }
  });

  test("devices' function reads Factories, and no tokens", () => {
    expect(conditionOf("metadata", "dynamodb:GetItem on Table")).toContain('["factory#*"]');
  });

  test("events for programs have this installation as their source", () => {
    for (const name of ["bootstrap", "deliver", "roots", "refresh"] as const) {
      const condition =
        '"ForAllValues:StringEquals":{"events:source":["rootward.tuf.example.com"]}';
      expect(conditionOf(name, EVENTS[0] ?? "")).toBe(`{${condition}}`);
    }
  });

  test("online keys in KMS are RSA-4096 and carry our tag", () => {
    const make = conditionOf("signer", "kms:CreateKey on *");
    expect(make).toContain('"kms:KeySpec":"RSA_4096"');
    expect(make).toContain('"aws:RequestTag/rootward:factory":"false"');
    const key = "arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*";
    for (const action of ["Sign", "GetPublicKey", "ScheduleKeyDeletion"]) {
      const use = conditionOf("signer", `kms:${action} on ${key}`);
      expect(use).toContain('"aws:ResourceTag/rootward:factory":"false"');
      expect(use).toContain('"kms:KeySpec":"RSA_4096"');
    }
  });
});

test("the gateway and the schedule invoke what they need, and nobody else but the three that ask the signer", () => {
  const permissions = full.stateless.of("AWS::Lambda::Permission");
  const principals = new Set(permissions.map(({ Properties }) => Properties["Principal"]));
  expect(principals).toEqual(new Set(["apigateway.amazonaws.com", "events.amazonaws.com"]));
  const invoked = permissions.map(({ Properties }) => shown(Properties["FunctionName"]));
  expect(new Set(invoked)).toEqual(
    new Set(["Bootstrap", "Deliver", "Roots", "Metadata", "Refresh"]),
  );
});
