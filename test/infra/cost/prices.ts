/** What AWS asks, in US dollars. */
export const LIST = "AWS's public list for us-east-1 in November 2026";

const MILLION = 1_000_000;

export const PRICES = {
  /** DynamoDB on demand: a request unit. */
  readUnit: 0.125 / MILLION,
  writeUnit: 0.625 / MILLION,
  /** A GB for a month, with point-in-time recovery. */
  tableGb: 0.25 + 0.2,
  /** KMS: a version of a key for a month (it has another one each year, up to three), and requests with symmetric and with RSA-4096 keys. */
  kmsKey: 1,
  wrap: 0.03 / 10_000,
  signature: 0.15 / 10_000,
  s3Read: 0.0004 / 1000,
  s3Write: 0.005 / 1000,
  /** Lambda on arm64: a run, and a second of a GB of memory. */
  run: 0.2 / MILLION,
  gbSecond: 0.000_013_333_4,
  httpRequest: 1 / MILLION,
  /** CloudFront: a request by HTTPS, and a GB to the internet. */
  edgeRequest: 0.01 / 10_000,
  edgeGb: 0.085,
  mail: 0.1 / 1000,
  event: 1 / MILLION,
  /** CloudWatch: a GB of logs taken in, and for a month an alarm, a dashboard and a number of our own. */
  logGb: 0.5,
  alarm: 0.1,
  dashboard: 3,
  metric: 0.3,
} as const;
