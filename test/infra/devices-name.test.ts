/**
 * A name of the devices' own: what a device needs a certificate for is to be had nowhere without one.
 * All of it is asked of the template, since what CloudFormation makes is what counts.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CfnOutput } from "aws-cdk-lib";
import { DEVICE_ROUTES, publicRoutes } from "../../lib/infra/routes.ts";
import { routeOf } from "../support/gateway.ts";
import { FULL, SHIPPED, WITH_DEVICES, shown, synthesise, type Template } from "./synth.ts";

const outputs = new Map<string, unknown>();
const full = synthesise(FULL);
const { stateful, stateless } = synthesise(WITH_DEVICES, ({ stateless: stack }) => {
  for (const child of stack.node.children) {
    if (child instanceof CfnOutput) outputs.set(child.node.id, stack.resolve(child.value));
  }
});
const PUBLIC = "<Api>";
const DEVICES = "<DevicesApi>";

/** `ROUTE to function`, of one API. */
function routesIn(template: Template, api: string): readonly string[] {
  const functions = new Map(
    template
      .of("AWS::ApiGatewayV2::Integration")
      .map(({ id, Properties }) => [id, shown(Properties["IntegrationUri"])]),
  );
  return template
    .of("AWS::ApiGatewayV2::Route")
    .filter(({ Properties }) => shown(Properties["ApiId"]) === api)
    .map(({ Properties: { RouteKey, Target } }) => {
      const id = /"Ref":"([^"]+)"/.exec(JSON.stringify(Target))?.[1] ?? "";
      return `${String(RouteKey)} to ${functions.get(id) ?? "nobody"}`;
    });
}

/** Which requests of which API may invoke a function at all. */
function permitted(template: Template, name: string): readonly string[] {
  return template
    .of("AWS::Lambda::Permission")
    .filter(({ Properties }) => shown(Properties["FunctionName"]) === name)
    .map(({ Properties }) => shown(Properties["SourceArn"]).replace(/^.*?execute-api.*>:/, ""));
}

function only(type: string): Readonly<Record<string, unknown>> {
  const found = stateless.of(type);
  expect(found).toHaveLength(1);
  return found[0]?.Properties ?? {};
}

describe("the devices' name", () => {
  test("takes no connection without a certificate that the trust store's CAs signed", () => {
    expect(only("AWS::ApiGatewayV2::DomainName")).toMatchObject({
      DomainName: "devices.example.com",
      MutualTlsAuthentication: {
        TruststoreUri: "s3://example-fleet/fleet-ca.pem",
        TruststoreVersion: "v1",
      },
      DomainNameConfigurations: [
        {
          CertificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/devices",
          EndpointType: "REGIONAL",
          SecurityPolicy: "TLS_1_2",
          IpAddressType: "dualstack",
        },
      ],
    });
  });

  test("is the only one of its API, and leads to no other", () => {
    const mapping = only("AWS::ApiGatewayV2::ApiMapping");
    expect(shown(mapping["ApiId"])).toBe(DEVICES);
    expect(shown(mapping["DomainName"])).toBe("<DevicesName>");
    expect(mapping["Stage"]).toBe("$default");
    // A key would begin every path.
    expect(mapping).not.toHaveProperty("ApiMappingKey");
    const apis = stateless.of("AWS::ApiGatewayV2::Api").map(({ id, Properties }) => {
      return [id.slice(0, -8), Properties["DisableExecuteApiEndpoint"]];
    });
    expect(Object.fromEntries(apis)).toEqual({ Api: undefined, DevicesApi: true });
    // CloudFront would end TLS before it.
    const front = JSON.stringify(only("AWS::CloudFront::Distribution"));
    expect(front).not.toMatch(/devices/i);
  });

  test("has only the function that devices read from behind it", () => {
    expect(routesIn(stateless, DEVICES).toSorted()).toEqual([
      "$default to Metadata",
      "ANY /repo/{proxy+} to Metadata",
    ]);
    for (const name of ["Bootstrap", "Deliver", "Roots", "Signer", "Refresh"]) {
      expect(permitted(stateless, name).filter((arn) => arn.startsWith(DEVICES))).toEqual([]);
    }
  });

  test("is throttled, measured and logged as the public one is", () => {
    const stages = stateless.of("AWS::ApiGatewayV2::Stage").map(({ Properties }) => {
      const { ApiId: _, AccessLogSettings, ...rest } = Properties;
      const { Format } = AccessLogSettings as { readonly Format: string };
      return { ...rest, Format };
    });
    expect(stages).toHaveLength(2);
    expect(stages[1]).toEqual(stages[0]);
    expect(stateless.of("AWS::Logs::LogGroup")).toHaveLength(8);
    for (const { Properties } of stateless.of("AWS::Logs::LogGroup")) {
      expect(Properties["RetentionInDays"]).toBe(90);
    }
  });

  test("is told to DNS", () => {
    expect(outputs.get("DevicesUrl")).toBe("https://devices.example.com");
    expect(outputs.get("DevicesRegionalName")).toMatchObject({
      "Fn::GetAtt": [expect.stringMatching(/^DevicesName/), "RegionalDomainName"],
    });
  });
});

describe("the public name", () => {
  test("brings nobody to what devices read, not by what is left over either", () => {
    const routes = routesIn(stateless, PUBLIC);
    expect(routes.filter((route) => route.endsWith("to Metadata"))).toEqual([
      "ANY /healthz to Metadata",
    ]);
    expect(routes).toContain("$default to Roots");
    const paths = stateless.of("AWS::ApiGatewayV2::Route").filter(({ Properties }) => {
      return (
        shown(Properties["ApiId"]) === PUBLIC && /repo\/\{proxy/.test(shown(Properties["RouteKey"]))
      );
    });
    expect(paths.map(({ Properties }) => Properties["RouteKey"])).toEqual([
      "POST /ota/repo/{proxy+}",
    ]);
  });

  test("may invoke that function for its health alone, whatever its routes say", () => {
    expect(permitted(stateless, "Metadata").toSorted()).toEqual([
      `${PUBLIC}/*/*/healthz`,
      `${DEVICES}/*/*`,
      `${DEVICES}/*/*/repo/{proxy+}`,
    ]);
  });

  // How the gateway picks a route is a model here; the permission above holds however it does.
  test.each([
    "/repo/acme/main/root.json",
    "/repo/acme/main/1.root.json",
    "//repo/acme/main/root.json",
    "/./repo/acme/main/root.json",
    "/x/../repo/acme/main/root.json",
    "/healthz/../repo/acme/main/root.json",
    "/healthz//repo/acme/main/root.json",
    "/download/../repo/acme/main/root.json",
    "/ota/../repo/acme/main/root.json",
    "/Repo/acme/main/root.json",
    "/repo",
    "",
  ])("%j does not reach it", (path) => {
    for (const method of ["GET", "HEAD", "POST"]) {
      expect(routeOf(method, path, publicRoutes(WITH_DEVICES))).not.toBe("metadata");
    }
  });

  test("keeps nothing at the edge", () => {
    const { DistributionConfig } = only("AWS::CloudFront::Distribution") as {
      readonly DistributionConfig: Readonly<Record<string, unknown>>;
    };
    expect(DistributionConfig).not.toHaveProperty("CacheBehaviors");
    expect(stateless.of("AWS::CloudFront::CachePolicy")).toEqual([]);
  });

  test("serves everybody else as before", () => {
    const others = (template: Template) =>
      routesIn(template, PUBLIC).filter((route) => !/^(?:ANY \/repo|\$default)/.test(route));
    expect(others(stateless)).toEqual(others(full.stateless));
    expect(others(stateless).length).toBeGreaterThan(8);
  });
});

test("every path has one function at one of both names", () => {
  expect(routeOf("GET", "/repo/acme/main/root.json", DEVICE_ROUTES)).toBe("metadata");
  expect(routeOf("GET", "/ota/factories/acme/", DEVICE_ROUTES)).toBe("metadata");
  expect(routeOf("GET", "/healthz", publicRoutes(WITH_DEVICES))).toBe("metadata");
});

test("of the functions only what devices read from changes: it looks for a certificate, too", () => {
  const functions = (template: Template) =>
    template.of("AWS::Lambda::Function").map((one) => JSON.stringify(one));
  const told = (value: string) => `"ROOTWARD_CLIENT_CERTIFICATES":"${value}"`;
  const [asks, ...others] = functions(stateless).filter((one) => one.includes(told("required")));
  expect([JSON.parse(asks ?? "{}"), others]).toEqual([
    expect.objectContaining({ id: expect.stringMatching(/^Metadata/) }),
    [],
  ]);
  const without = functions(stateless).map((one) => one.replace(told("required"), told("")));
  expect(without).toEqual(functions(full.stateless));
});

describe("nobody's rights change", () => {
  const policies = (template: Template) =>
    template.of("AWS::IAM::Policy").map(({ id, Properties }) => [id, Properties]);

  test("of the functions", () => {
    expect(policies(stateless)).toEqual(policies(full.stateless));
    expect(stateless.of("AWS::IAM::Role")).toEqual(full.stateless.of("AWS::IAM::Role"));
  });

  test("of whoever uses tables, buckets and keys", () => {
    expect(stateful.all).toEqual(full.stateful.all);
  });
});

test("operators hear of its errors, with an entry of the runbook, and see its requests", () => {
  const runbook = readFileSync("docs/runbook.md", "utf8");
  const alarms = stateless.of("AWS::CloudWatch::Alarm").filter(({ Properties }) => {
    return Properties["MetricName"] === "5xx";
  });
  expect(alarms.map(({ Properties }) => JSON.stringify(Properties["Dimensions"]))).toEqual([
    expect.stringContaining('"Ref":"Api'),
    expect.stringContaining('"Ref":"DevicesApi'),
  ]);
  for (const { Properties } of alarms) {
    const description = String(Properties["AlarmDescription"]);
    const entry = description.split("#").at(-1) ?? "";
    expect(runbook.toLowerCase()).toContain(`\n## ${entry}\n`);
    expect((Properties["AlarmActions"] as unknown[]).map(shown)).toEqual(["<Alarms>"]);
  }
  expect(runbook).toContain("DevicesServerErrors");
  const board = JSON.stringify(only("AWS::CloudWatch::Dashboard"));
  for (const label of ["Count", "4xx", "5xx"]) expect(board).toContain(`${label} (devices)`);
});

test("without the option there is one API, one name, and devices read there", () => {
  for (const { stateless: one } of [full, synthesise(SHIPPED)]) {
    expect(one.of("AWS::ApiGatewayV2::Api")).toHaveLength(1);
    expect(one.of("AWS::ApiGatewayV2::DomainName")).toEqual([]);
    expect(one.of("AWS::ApiGatewayV2::ApiMapping")).toEqual([]);
    const named = one.all.filter(({ id }) => id.startsWith("Devices"));
    expect(named.map(({ id, Type }) => `${id.slice(0, -8)} ${Type}`)).toEqual(
      ["Fail", "Problem", "Throttled"].map((name) => `Devices${name} AWS::CloudWatch::Alarm`),
    );
    const toMetadata = routesIn(one, PUBLIC).filter((route) => route.endsWith("to Metadata"));
    expect(toMetadata.toSorted()).toEqual([
      "$default to Metadata",
      "ANY /healthz to Metadata",
      "ANY /repo/{proxy+} to Metadata",
    ]);
  }
});
