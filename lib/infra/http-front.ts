/**
 * The front that the internet sees: CloudFront, and behind it the HTTP API. One host for owners, pipelines
 * and devices, as in the embedded form, unless devices have one of their own (devices-name.ts). Only what
 * devices read is ever cached, for as long as each answer says itself; everything else passes through.
 */
import { Aws, Duration, type Stack } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  PriceClass,
  ResponseHeadersPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { DEVICES } from "../api/path.ts";
import { acknowledge } from "./acknowledge.ts";
import type { Functions } from "./alarms.ts";
import type { Config } from "./config.ts";
import { Gateway } from "./gateway.ts";
import { publicRoutes } from "./routes.ts";

/** CloudFront would keep an error for ten seconds: a root that does not exist yet is never kept. */
const ERRORS = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

export class HttpFront {
  readonly api: HttpApi;
  readonly distribution: Distribution;
  /** https://HOST, without a final slash. */
  readonly url: string;
  readonly #gateway: Gateway;
  readonly #config: Config;

  constructor(stack: Stack, config: Config) {
    this.#config = config;
    this.#gateway = new Gateway(stack, {
      config,
      prefix: "",
      apiName: config.name,
      description: "Rootward",
      domainOnly: false,
    });
    this.api = this.#gateway.api;
    this.distribution = makeDistribution(stack, this.api, config);
    const host = config.domain?.name ?? this.distribution.distributionDomainName;
    this.url = `https://${host}`;
  }

  route(functions: Functions): void {
    this.#gateway.route(
      publicRoutes(this.#config),
      functions,
      "each function authorises each request itself: a gateway's authorizer keeps its answers, and " +
        "would let a token for one Factory pass for another",
    );
  }
}

function makeDistribution(stack: Stack, api: HttpApi, config: Config): Distribution {
  const { name, domain, devices } = config;
  const origin = new HttpOrigin(`${api.apiId}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}`, {
    protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
    originSslProtocols: [OriginSslPolicy.TLS_V1_2],
    // As long as the gateway itself waits: making RSA keys takes seconds.
    readTimeout: Duration.seconds(30),
  });
  const common = {
    origin,
    viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
    compress: false,
    allowedMethods: AllowedMethods.ALLOW_ALL,
    responseHeadersPolicy: new ResponseHeadersPolicy(stack, "Headers", {
      responseHeadersPolicyName: `${name}-${Aws.REGION}`,
      securityHeadersBehavior: {
        strictTransportSecurity: {
          accessControlMaxAge: Duration.days(365),
          includeSubdomains: false,
          override: true,
        },
      },
    }),
  };
  const distribution = new Distribution(stack, "Distribution", {
    comment: `Rootward (${name})`,
    httpVersion: HttpVersion.HTTP2_AND_3,
    priceClass: PriceClass.PRICE_CLASS_ALL,
    defaultBehavior: {
      ...common,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      // All headers, the token's among them, but not the host: the gateway knows itself by its own.
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
    },
    // Where devices have a name of their own there is nothing here to keep.
    ...(devices === null && {
      additionalBehaviors: {
        [`${DEVICES}*`]: { ...common, cachePolicy: makeMetadataCache(stack, name) },
      },
    }),
    errorResponses: ERRORS.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) })),
    ...(domain !== null && {
      domainNames: [domain.name],
      certificate: Certificate.fromCertificateArn(stack, "Certificate", domain.certificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
    }),
  });
  acknowledge(distribution, {
    "AwsSolutions-CFR1": "devices are wherever they are",
    "AwsSolutions-CFR2":
      "a firewall is the operator's to add (docs/deploy.md): roots are judged by size before anything else",
    "AwsSolutions-CFR3": "the gateway's access log has what is not answered from a cache",
    ...(domain === null && {
      "AwsSolutions-CFR4": "a name of CloudFront's own has no choice of protocols; a domain has",
    }),
  });
  return distribution;
}

function makeMetadataCache(stack: Stack, name: string): CachePolicy {
  return new CachePolicy(stack, "MetadataCache", {
    cachePolicyName: `${name}-metadata-${Aws.REGION}`,
    comment: "for as long as each answer says; one that says nothing is not kept",
    minTtl: Duration.seconds(0),
    defaultTtl: Duration.seconds(0),
    maxTtl: Duration.days(365),
    queryStringBehavior: CacheQueryStringBehavior.none(),
  });
}
