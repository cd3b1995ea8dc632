/**
 * A host of the devices' own, which takes connections only with a client certificate that a CA in the
 * operator's trust store signed. The gateway asks for it while TLS is set up, before anything of ours
 * runs. CloudFront is not before it, since TLS would end there: no answer is kept at an edge.
 *
 * It is worth what its side doors are: the API has no other name, with it the public one has no way
 * to what devices read (routes.ts), and the function refuses by itself what came without a certificate
 * (lambda/client-certificate.ts), since all this can be changed by hand.
 */
import { CfnOutput, type Stack } from "aws-cdk-lib";
import {
  ApiMapping,
  DomainName,
  IpAddressType,
  SecurityPolicy,
  type HttpApi,
} from "aws-cdk-lib/aws-apigatewayv2";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { Bucket } from "aws-cdk-lib/aws-s3";
import type { Functions } from "./alarms.ts";
import type { Config } from "./config.ts";
import { Gateway } from "./gateway.ts";
import { DEVICE_ROUTES } from "./routes.ts";

/** @returns null where devices read at the public name */
export function makeDevicesName(
  stack: Stack,
  config: Config,
  functions: Functions,
): HttpApi | null {
  const { name, devices } = config;
  if (devices === null) return null;
  const gateway = new Gateway(stack, {
    config,
    prefix: "Devices",
    apiName: `${name}-devices`,
    description: "Rootward: devices, with a certificate of theirs",
    domainOnly: true,
  });
  gateway.route(
    DEVICE_ROUTES,
    functions,
    "the domain name, which is the only one, takes no connection without a client's certificate",
  );
  const domainName = makeDomainName(stack, devices);
  const { api, stage } = gateway;
  new ApiMapping(stack, "DevicesMapping", { api, domainName, stage });
  new CfnOutput(stack, "DevicesUrl", { value: `https://${devices.name}` });
  new CfnOutput(stack, "DevicesRegionalName", { value: domainName.regionalDomainName });
  return api;
}

function makeDomainName(stack: Stack, devices: NonNullable<Config["devices"]>): DomainName {
  const { bucket, key, version } = devices.truststore;
  return new DomainName(stack, "DevicesName", {
    domainName: devices.name,
    certificate: Certificate.fromCertificateArn(
      stack,
      "DevicesCertificate",
      devices.certificateArn,
    ),
    securityPolicy: SecurityPolicy.TLS_1_2,
    // As at CloudFront: some devices have no other address.
    ipAddressType: IpAddressType.DUAL_STACK,
    mtls: { bucket: Bucket.fromBucketName(stack, "Truststore", bucket), key, version },
  });
}
