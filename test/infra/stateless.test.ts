/** What the front, the functions, mail and alarms promise. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FULL, SHIPPED, shown, synthesise } from "./synth.ts";

const { stateless } = synthesise(FULL);

function only(type: string): Readonly<Record<string, unknown>> {
  const found = stateless.of(type);
  expect(found).toHaveLength(1);
  return found[0]?.Properties ?? {};
}

describe("functions", () => {
  const functions = stateless.of("AWS::Lambda::Function");

  test("six of them, on Node 24 and arm64, with logs that end", () => {
    expect(functions).toHaveLength(6);
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"] });
    }
    const logs = stateless.of("AWS::Logs::LogGroup");
    expect(logs).toHaveLength(7);
    for (const { Properties } of logs) expect(Properties["RetentionInDays"]).toBe(90);
  });

  test("a runaway takes no other function's turn", () => {
    const reserved = functions.map(({ id, Properties }) => [
      id.slice(0, -8),
      Properties["ReservedConcurrentExecutions"],
    ]);
    expect(Object.fromEntries(reserved)).toEqual({
      Bootstrap: 5,
      Metadata: 200,
      Refresh: 1,
      Deliver: undefined,
      Roots: undefined,
      Signer: undefined,
    });
    const young = synthesise({ ...FULL, concurrency: null }).stateless;
    for (const { Properties } of young.of("AWS::Lambda::Function")) {
      expect(Properties).not.toHaveProperty("ReservedConcurrentExecutions");
    }
  });

  test("no environment holds more than names", () => {
    const secret = /token|secret|password|private/i;
    for (const { id, Properties } of functions) {
      const { Variables } = Properties["Environment"] as { Variables: Record<string, unknown> };
      const named = Object.keys(Variables).filter((name) => secret.test(name));
      const hashes = { ADMIN: FULL.adminTokenSha256, PROVISIONER: FULL.provisionerTokenSha256 };
      const expected = Object.entries(hashes).map(([of, hash]) => [`ROOTWARD_${of}_TOKEN`, hash]);
      const found = named.map((name) => [name, Variables[name]]);
      const authorises = /^(?:Bootstrap|Deliver|Roots)/.test(id);
      expect(found).toEqual(authorises ? expected : []);
    }
  });

  test("a pipeline's token is another one than the operator's", () => {
    const same = { ...FULL, provisionerTokenSha256: FULL.adminTokenSha256 };
    expect(() => synthesise(same)).toThrow("provisionerTokenSha256: expected another token");
    const neither = { ...FULL, adminTokenSha256: null, provisionerTokenSha256: null };
    expect(() => synthesise(neither)).not.toThrow();
  });

  test("the schedule: every minute, never twice for the same minute", () => {
    expect(only("AWS::Events::Rule")).toMatchObject({
      ScheduleExpression: "rate(1 minute)",
      State: "ENABLED",
      Targets: [{ RetryPolicy: { MaximumRetryAttempts: 0 } }],
    });
    expect(only("AWS::Lambda::EventInvokeConfig")).toMatchObject({ MaximumRetryAttempts: 0 });
  });
});

describe("the front", () => {
  const { DistributionConfig: front } = only("AWS::CloudFront::Distribution") as {
    readonly DistributionConfig: Readonly<Record<string, unknown>>;
  };

  test("TLS only, to viewers and to the API", () => {
    expect(front).toMatchObject({
      Aliases: ["tuf.example.com"],
      ViewerCertificate: { MinimumProtocolVersion: "TLSv1.2_2021" },
      DefaultCacheBehavior: { ViewerProtocolPolicy: "https-only" },
      CacheBehaviors: [{ PathPattern: "/repo/*", ViewerProtocolPolicy: "https-only" }],
      Origins: [{ CustomOriginConfig: { OriginProtocolPolicy: "https-only" } }],
    });
  });

  test("browsers that came once come by TLS only", () => {
    expect(only("AWS::CloudFront::ResponseHeadersPolicy")).toMatchObject({
      ResponseHeadersPolicyConfig: {
        SecurityHeadersConfig: {
          StrictTransportSecurity: { AccessControlMaxAgeSec: 31_536_000 },
        },
      },
    });
    const policies = [front["DefaultCacheBehavior"], front["CacheBehaviors"]].flat();
    expect(policies).toHaveLength(2);
    for (const one of policies) expect(one).toHaveProperty("ResponseHeadersPolicyId");
  });

  test("nothing is kept but what devices read, and that as long as it says itself", () => {
    const disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
    expect(front["DefaultCacheBehavior"]).toMatchObject({ CachePolicyId: disabled });
    expect(only("AWS::CloudFront::CachePolicy")).toMatchObject({
      CachePolicyConfig: {
        MinTTL: 0,
        DefaultTTL: 0,
        MaxTTL: 31_536_000,
        ParametersInCacheKeyAndForwardedToOrigin: {
          QueryStringsConfig: { QueryStringBehavior: "none" },
          HeadersConfig: { HeaderBehavior: "none" },
          CookiesConfig: { CookieBehavior: "none" },
        },
      },
    });
  });

  test("a root that does not exist yet is not kept, and stays a 404", () => {
    const errors = front["CustomErrorResponses"] as readonly Record<string, unknown>[];
    const codes = errors.map(({ ErrorCode }) => ErrorCode);
    expect(codes).toEqual([400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]);
    for (const error of errors) {
      expect(error["ErrorCachingMinTTL"]).toBe(0);
      expect(error).not.toHaveProperty("ResponseCode");
    }
  });

  test("the gateway throttles, and its log holds no header, no body and no address", () => {
    const stage = only("AWS::ApiGatewayV2::Stage");
    expect(stage).toMatchObject({
      StageName: "$default",
      DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
    });
    const { Format } = stage["AccessLogSettings"] as { readonly Format: string };
    expect(Format).not.toMatch(/authorizer|header|sourceIp|querystring/i);
  });
});

describe("mail", () => {
  test("follows no clicks, counts no opens, and goes over TLS or not at all", () => {
    expect(only("AWS::SES::ConfigurationSet")).toMatchObject({
      DeliveryOptions: { TlsPolicy: "REQUIRE" },
      VdmOptions: { DashboardOptions: { EngagementMetrics: "DISABLED" } },
    });
    expect(only("AWS::SES::ConfigurationSet")).not.toHaveProperty("TrackingOptions");
    expect(only("AWS::SES::ConfigurationSetEventDestination")).toMatchObject({
      EventDestination: { MatchingEventTypes: ["bounce", "complaint", "reject"] },
    });
  });

  test("without a sender there is nothing of it", () => {
    const types = synthesise(SHIPPED).stateless.all.map(({ Type }) => Type);
    expect(types.filter((type) => type.startsWith("AWS::SES"))).toEqual([]);
  });
});

interface TopicStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Principal: Readonly<Record<string, unknown>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

describe("alarms", () => {
  const alarms = stateless.of("AWS::CloudWatch::Alarm");
  const runbook = readFileSync("docs/runbook.md", "utf8");

  test.each(alarms.map(({ Properties }) => [String(Properties["AlarmDescription"])]))(
    "%s",
    (description) => {
      const anchor = /docs\/runbook\.md#([a-z]+)$/.exec(description)?.[1] ?? "";
      expect(runbook.toLowerCase()).toContain(`\n## ${anchor}\n`);
    },
  );

  test("reach the topic: it lets CloudWatch publish for this account's alarms", () => {
    const { PolicyDocument } = only("AWS::SNS::TopicPolicy") as {
      readonly PolicyDocument: { readonly Statement: readonly TopicStatement[] };
    };
    const allowed = PolicyDocument.Statement.filter(({ Effect }) => Effect === "Allow");
    const services = allowed.map(({ Principal }) => Principal["Service"]);
    expect(new Set(services)).toEqual(new Set(["cloudwatch.amazonaws.com", "ses.amazonaws.com"]));
    const own = allowed.find(({ Sid }) => Sid === "AlarmsOfThisAccount");
    expect(own).toMatchObject({ Action: "sns:Publish", Resource: { Ref: expect.any(String) } });
    const { StringEquals: account, ArnLike: source } = own?.Condition ?? {};
    expect(shown(account?.["aws:SourceAccount"])).toBe("<AWS::AccountId>");
    expect(shown(source?.["aws:SourceArn"])).toBe(
      "arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:*",
    );
  });

  test("every entry of the runbook is of an alarm", () => {
    const entries = [...runbook.matchAll(/^## (.+)$/gm)].map(([, name]) => name?.toLowerCase());
    const anchors = alarms.map(({ Properties }) =>
      String(Properties["AlarmDescription"]).split("#").at(-1),
    );
    expect(new Set(entries)).toEqual(new Set(anchors));
  });

  test("each calls somebody", () => {
    for (const { Properties } of alarms) {
      expect((Properties["AlarmActions"] as unknown[]).map(shown)).toEqual(["<Alarms>"]);
    }
    expect(only("AWS::SNS::Subscription")).toMatchObject({ Endpoint: FULL.alarmEmail });
  });
});
