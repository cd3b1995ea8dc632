/** docs/cost.md, from what was measured. */
import { FUNCTIONS } from "../../../lib/settings.ts";
import * as assumed from "./assumptions.ts";
import { monthOf, pollPrice, priceOf, type Installation, type Month } from "./months.ts";
import { OPERATIONS, type Measured } from "./operations.ts";
import { LIST, PRICES } from "./prices.ts";
import type { Usage } from "./usage.ts";

export function costDocument(measured: Measured, of: Installation): string {
  return [
    INTRODUCTION,
    operations(measured, of),
    months(measured, of),
    assumptions(of),
    pricing(),
  ].join("\n");
}

const INTRODUCTION = `# What it costs on AWS

Counted, not estimated: each operation was done on the synthesised stacks and their bundled functions, and
every call to AWS was counted on its way. \`test/infra/cost.test.ts\` counts, and holds this page to it;
\`UPDATE_DOCS=1 npm test -- test/infra/cost\` writes it again. Prices, and facts that no emulator has, are
assumptions, at the end.
`;

function operations(measured: Measured, of: Installation): string {
  const rows = OPERATIONS.map((name) => {
    const usage = measured[name];
    const dollars = priceOf(usage, of) * 1_000_000;
    return row([name, ...cells(usage), money(dollars)]);
  });
  const head = [
    "",
    "requests",
    "runs",
    "reads",
    "writes",
    "KMS",
    "S3",
    "mail, events",
    "$ a million",
  ];
  return [
    "## Each operation",
    "",
    "The Factory is in `tuf` with Ed25519 online keys, sealed unless a row says otherwise. *Runs* are those of",
    "functions, the signer's in brackets; *reads* and *writes* are requests to DynamoDB, their request units",
    "in brackets. Under *KMS* the number after the plus is of keys that sign.",
    "",
    row(head),
    row(head.map((_, index) => (index === 0 ? "---" : "---:"))),
    ...rows,
    "",
  ].join("\n");
}

function cells(usage: Usage): readonly string[] {
  const all = FUNCTIONS.reduce((sum, name) => sum + usage.runs[name], 0);
  const { signer } = usage.runs;
  const counted = ({ requests, units }: Usage["reads"]) =>
    requests === 0 ? "" : `${requests} (${units})`;
  return [
    some(usage.requests),
    signer === 0 ? `${all}` : `${all} (${signer})`,
    counted(usage.reads),
    counted(usage.writes),
    usage.signatures === 0 ? some(usage.wraps) : `${usage.wraps} + ${usage.signatures}`,
    some(usage.s3Reads + usage.s3Writes),
    some(usage.mails + usage.events),
  ];
}

const PARTS: readonly (readonly [keyof Month, string])[] = [
  ["installation", "the installation: keys that wrap, alarms, dashboard, schedule"],
  ["refreshing", "metadata signed again in time"],
  ["owners", "owners: a rotation a year, targets every week"],
  ["storage", "tables and their backups, after a year"],
];

function months(measured: Measured, of: Installation): string {
  const sizes = [1, 1000, 100_000];
  const all = sizes.map((factories) => monthOf(measured, factories, of));
  const line = (what: string, value: (month: Month) => number): string =>
    row([what, ...all.map((month) => money(value(month)))]);
  const service = (month: Month) => PARTS.reduce((sum, [part]) => sum + month[part], 0);
  const head = ["$ a month", ...sizes.map((size) => `${count(size)} Factories`)];
  return [
    "## A month",
    "",
    row(head.map((one) => one.replace(/^1 Factories$/, "1 Factory"))),
    row(head.map((_, index) => (index === 0 ? "---" : "---:"))),
    ...PARTS.map(([part, what]) => line(what, (month) => month[part])),
    line("**all of that, keys sealed**", service),
    line("**with all online keys in KMS**", (month) => service(month) + month.keysInKms),
    line(
      `devices, besides: ${assumed.DEVICES} a Factory, each polling once an hour`,
      (month) => month.devices,
    ),
    "",
    "Keys in KMS cost by the month, whether they sign or not, and each role has one; sealed keys cost a",
    "request when they sign.",
    "",
    `A million polls in which nothing is new cost $${money(pollPrice(measured, of) * 1_000_000)}: the devices decide what a`,
    "fleet costs. It helps, in this order, to poll less often, and to have clients ask with `If-None-Match`.",
    "In `tuf` Factories CloudFront answers from its cache for five seconds. That is not in these figures,",
    "because it saves nothing where fewer than one device polls in that time. Devices with a host of",
    "their own are served without CloudFront: a third less, and nothing from a cache.",
    "",
    "The last column is more than a new account may do. A region has 100,000 keys of KMS at first. The",
    "gateway takes as many requests a second as `throttle` says (rootward.config.ts), and ten million devices",
    "exceed that. Both can be raised.",
    "",
  ].join("\n");
}

function assumptions(of: Installation): string {
  const times = FUNCTIONS.map((name) => `${name} ${assumed.RUN_TIME[name]}`).join(", ");
  return [
    "## Assumed",
    "",
    `- A warm run takes, in milliseconds: ${times}; each Factory adds ${assumed.TENDING} to a run of the`,
    "  schedule. Memory as in the template. The dashboard shows what it really is. Cold starts, which Lambda",
    "  bills as well, are left out: a run of the schedule each minute keeps its function warm, and so do",
    "  devices theirs.",
    `- Between publications a timestamp is signed again ${assumed.REFRESHES.toFixed(1)} times a month.`,
    `- Logs: ${assumed.RUN_LOG} bytes a run and ${assumed.ACCESS_LOG} a request are taken in; to keep them costs a tenth of that more.`,
    `- Tables: ${count(assumed.FACTORY_BYTES)} bytes a Factory, and ${count(assumed.SIGNING_BYTES)} for each time that something is signed, which are`,
    "  kept for ever: each year adds as much as the first. A write that replaces a head counts two entries of",
    "  the index, also where its time did not change.",
    `- A poll brings ${count(assumed.POLL_BYTES)} bytes, by CloudFront in the United States or Europe. Nothing comes from an`,
    "  edge's cache.",
    `- ${of.keys} keys that wrap, in their first version; KMS makes a new one of each every year, which costs the same`,
    `  again, up to three. ${of.alarms} alarms, ${of.metrics} numbers of our own, one dashboard.`,
    "- DynamoDB's own use of KMS for the tables is left out: it asks once in five minutes for each caller at most.",
    "",
  ].join("\n");
}

function pricing(): string {
  const a = (value: number, of: number): string => `$${Number((value * of).toPrecision(9))}`;
  const million = 1_000_000;
  return [
    "## Prices",
    "",
    `By ${LIST}, without free allowances and without lower prices for more:`,
    "",
    `- DynamoDB: ${a(PRICES.readUnit, million)} a million read units, ${a(PRICES.writeUnit, million)} a million write units, ${a(PRICES.tableGb, 1)} a GB with its backup`,
    `- KMS: ${a(PRICES.kmsKey, 1)} a key, ${a(PRICES.wrap, 10_000)} for 10,000 requests, ${a(PRICES.signature, 10_000)} where RSA-4096 keys sign`,
    `- Lambda on arm64: ${a(PRICES.run, million)} a million runs, ${a(PRICES.gbSecond, million)} a million GB-seconds`,
    `- HTTP API: ${a(PRICES.httpRequest, million)} a million requests; CloudFront: ${a(PRICES.edgeRequest, million)}, and ${a(PRICES.edgeGb, 1)} a GB`,
    `- S3: ${a(PRICES.s3Write, 1000)} for 1,000 writes, ${a(PRICES.s3Read, 1000)} for 1,000 reads`,
    `- SES: ${a(PRICES.mail, 1000)} for 1,000 mails; EventBridge: ${a(PRICES.event, million)} a million events`,
    `- CloudWatch: ${a(PRICES.logGb, 1)} a GB of logs, ${a(PRICES.alarm, 1)} an alarm, ${a(PRICES.dashboard, 1)} a dashboard, ${a(PRICES.metric, 1)} a number`,
    "",
  ].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function some(count: number): string {
  return count === 0 ? "" : `${count}`;
}

function money(dollars: number): string {
  const digits = dollars < 100 ? 2 : 0;
  return dollars.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
