/** This installation: what each choice means is in lib/infra/config.ts. Good as it is for a first try. */
import type { Config } from "./lib/infra/config.ts";

export const config: Config = {
  name: "rootward",
  // { name: "rootward.example.com", certificateArn: "arn:aws:acm:us-east-1:...:certificate/..." }
  domain: null,
  // { name: "devices.example.com", certificateArn: "arn:aws:acm:REGION:...:certificate/...",
  //   truststore: { bucket: "example-fleet", key: "fleet-ca.pem", version: "..." } }
  devices: null,
  // "rootward@example.com"
  sender: null,
  alarmEmail: null,
  // printf %s "$TOKEN" | sha256sum
  adminTokenSha256: null,
  // Of another token, for pipelines
  provisionerTokenSha256: null,
  // "*/targets=kms"
  onlineKeys: "",
  restored: null,
  logDays: 90,
  throttle: { rate: 500, burst: 1000 },
  concurrency: { bootstrap: 5, metadata: 200, refresh: 1 },
};
