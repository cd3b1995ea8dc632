/** What the stack that outlives every release promises. */
import { describe, expect, test } from "vitest";
import { FULL, SHIPPED, shown, synthesise, type Resource } from "./synth.ts";

const { stateful } = synthesise(FULL);

function one(type: string, prefix: string): Resource {
  const found = stateful.of(type).filter(({ id }) => id.startsWith(prefix));
  expect(found).toHaveLength(1);
  return found[0] as Resource;
}

const TABLE = "AWS::DynamoDB::Table";
const BUCKET = "AWS::S3::Bucket";

test("nothing that holds state goes with its stack", () => {
  const kinds = [TABLE, BUCKET, "AWS::KMS::Key"];
  const kept = stateful.all.filter(({ Type }) => kinds.includes(Type));
  expect(kept).toHaveLength(8);
  for (const { DeletionPolicy, UpdateReplacePolicy } of kept) {
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["Retain", "Retain"]);
  }
});

describe("tables", () => {
  test.each([
    // By an attribute that expiring tokens and idempotency keys alone have (test/contract/aws.test.ts).
    ["Table", true, { AttributeName: "removeAfter", Enabled: true }],
    ["SignerTable", true, undefined],
    ["ShareTable", false, undefined],
  ])("%s: recovery %s", (prefix, recovery, timeToLive) => {
    const { Properties } = one(TABLE, prefix);
    expect(Properties).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: recovery },
      SSESpecification: { SSEEnabled: true },
    });
    // A stream keeps for a day what was deleted.
    expect(Properties).not.toHaveProperty("StreamSpecification");
    expect(Properties["TimeToLiveSpecification"]).toEqual(timeToLive);
  });

  test("those restored from a backup take the place of the stack's, which stay", () => {
    const restored = { table: "main-back", signerTable: "signer-back", at: "2026-01-15T12:00:00Z" };
    const back = synthesise({ ...FULL, restored });
    expect(back.stateful.of(TABLE)).toHaveLength(3);
    const text = JSON.stringify(back.stateless.all);
    expect(text).toContain("table/main-back/index/due");
    expect(text).toContain('"ROOTWARD_SIGNER_TABLE":"signer-back"');
    expect(text).not.toContain("ExportsOutputRefTable");
  });

  test.each(["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-15", "9999-01-01T00:00:00Z"])(
    "not by a time that is none, or has not been: %s",
    (at) => {
      const restored = { table: "main-back", signerTable: "signer-back", at };
      expect(() => synthesise({ ...FULL, restored })).toThrow("restored.at: expected a time");
    },
  );

  test("what is due is found by an index of keys only", () => {
    const indexes = one(TABLE, "Table").Properties["GlobalSecondaryIndexes"];
    expect(indexes).toMatchObject([
      {
        IndexName: "due",
        KeySchema: [
          { AttributeName: "due", KeyType: "HASH" },
          { AttributeName: "dueAt", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
      { IndexName: "factory", Projection: { ProjectionType: "ALL" } },
    ]);
  });
});

describe("buckets", () => {
  test.each(["Archives", "Documents"])("%s: nobody's but ours, and over TLS only", (prefix) => {
    expect(one(BUCKET, prefix).Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      LifecycleConfiguration: {
        Rules: [{ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: "Enabled" }],
      },
    });
    expect(one("AWS::S3::BucketPolicy", prefix).Properties).toMatchObject({
      PolicyDocument: {
        Statement: [
          {
            Effect: "Deny",
            Principal: { AWS: "*" },
            Action: "s3:*",
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      },
    });
  });

  test("an archive that was deleted is in no version, no replica and no lifecycle", () => {
    const { Properties } = one(BUCKET, "Archives");
    expect(Properties).not.toHaveProperty("VersioningConfiguration");
    expect(Properties).not.toHaveProperty("ReplicationConfiguration");
    expect(Properties).not.toHaveProperty("ObjectLockConfiguration");
    expect(Properties["BucketEncryption"]).toMatchObject({
      ServerSideEncryptionConfiguration: [
        { ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } },
      ],
    });
  });

  test("documents keep their versions", () => {
    expect(one(BUCKET, "Documents").Properties).toMatchObject({
      VersioningConfiguration: { Status: "Enabled" },
    });
  });

  test("only the download page fetches archives from another origin", () => {
    expect(one(BUCKET, "Archives").Properties["CorsConfiguration"]).toMatchObject({
      CorsRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["https://tuf.example.com"] }],
    });
    expect(one(BUCKET, "Documents").Properties).not.toHaveProperty("CorsConfiguration");
    const [shipped] = synthesise(SHIPPED).stateful.of(BUCKET);
    expect(shipped?.Properties["CorsConfiguration"]).toMatchObject({
      CorsRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["https://*.cloudfront.net"] }],
    });
  });
});

describe("keys", () => {
  interface Denial {
    readonly Effect: string;
    readonly Action: string | readonly string[];
    readonly Principal: unknown;
    readonly Condition?: { readonly ArnNotEquals: { readonly "aws:PrincipalArn": unknown } };
  }

  /** For each use, the roles that are not denied it. */
  function usersOf(prefix: string): Record<string, string> {
    const { Properties } = one("AWS::KMS::Key", prefix);
    expect(Properties["EnableKeyRotation"]).toBe(true);
    const { Statement } = Properties["KeyPolicy"] as { readonly Statement: readonly Denial[] };
    const denials = Statement.filter(({ Effect }) => Effect === "Deny");
    const users: Record<string, string> = {};
    for (const { Action, Principal, Condition } of denials) {
      expect(Principal).toEqual({ AWS: "*" });
      const roles = [Condition?.ArnNotEquals["aws:PrincipalArn"] ?? "nobody"].flat();
      for (const action of [Action].flat()) users[action] = roles.map(shown).join(", ");
    }
    return users;
  }

  const never = Object.fromEntries(
    [
      "kms:GenerateDataKeyPair",
      "kms:GenerateDataKeyPairWithoutPlaintext",
      "kms:GenerateDataKeyWithoutPlaintext",
      "kms:ReEncryptFrom",
      "kms:ReEncryptTo",
      "kms:CreateGrant",
    ].map((use) => [use, "nobody"]),
  );
  const role = (name: string): string =>
    `arn:<AWS::Partition>:iam::<AWS::AccountId>:role/rootward-${name}-<AWS::Region>`;

  test("shares: wrapped by bootstrap, unwrapped by deliver", () => {
    expect(usersOf("ShareKey")).toEqual({
      ...never,
      "kms:GenerateDataKey": "nobody",
      "kms:Encrypt": role("bootstrap"),
      "kms:Decrypt": role("deliver"),
    });
  });

  test("online keys: the signer's", () => {
    expect(usersOf("SealingKey")).toEqual({
      ...never,
      "kms:GenerateDataKey": "nobody",
      "kms:Encrypt": role("signer"),
      "kms:Decrypt": role("signer"),
    });
  });

  test("the bucket of archives: written by bootstrap, read by deliver", () => {
    expect(usersOf("ArchiveKey")).toEqual({
      ...never,
      "kms:Encrypt": "nobody",
      "kms:GenerateDataKey": role("bootstrap"),
      "kms:Decrypt": role("deliver"),
    });
  });
});
