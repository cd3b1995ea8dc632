/**
 * What every answer of the door must be, whatever was sent: a status that a submission can have, a
 * body that a tool can read, nothing changed unless it says so, and nothing accepted that the
 * independent check refuses, as it was sent or as it is served.
 */
import { FINDING_RULES } from "../../lib/tuf/findings.ts";
import { MAX_ROOT_BYTES } from "../../lib/tuf/dialect.ts";
import { FACTORY } from "../support/memory-owner.ts";
import type { TestWorld } from "../support/memory-service.ts";
import { objections, saysTheSame } from "../support/independent-check.ts";
import { readCurrent, type Answer, type Submission } from "./door.ts";
import type { Fleet } from "./fleets.ts";
import { versionOf } from "./roots.ts";

/** What became of a case. */
export interface Verdict {
  /** Rules that the answer breaks. */
  readonly faults: readonly string[];
  /** What a refusal names: the error's code, or those of the findings. */
  readonly codes: readonly string[];
  readonly accepted: boolean;
}

type Body = Readonly<Record<string, unknown>>;

const CODES: Readonly<Record<number, readonly string[]>> = {
  400: ["malformed"],
  409: ["version-conflict", "channel-behind"],
  413: ["too-large"],
  422: ["root-refused"],
};
/** Nobody gets megabytes back for what they sent. */
const MAX_ANSWER_BYTES = 100_000;

/** @param world where it was tried, a copy of the fleet's */
export async function judge(
  fleet: Fleet,
  world: TestWorld,
  sent: Submission,
  answer: Answer,
): Promise<Verdict> {
  const { status, type, text, reports } = answer;
  const body = parse(text);
  const changed = world.head(FACTORY)?.revision !== fleet.world.head(FACTORY)?.revision;
  const faults = [
    ...reports.map((report) => `the operator was told: ${report}`),
    ...invariants(world),
    ...(type.startsWith("application/json") ? [] : [`content type ${type}`]),
    ...(text.length > MAX_ANSWER_BYTES ? [`an answer of ${text.length} characters`] : []),
    ...(text.includes("PRIVATE KEY") ? ["a private key in the answer"] : []),
    ...(body === null ? ["the answer is no JSON object"] : []),
  ];
  if (status === 200 && body !== null) {
    const found = await judgeAccepted(fleet, world, sent, body, changed);
    return { faults: [...faults, ...found.faults], codes: [], accepted: found.accepted };
  }
  const kept = world.state.documents.size !== fleet.world.state.documents.size;
  return {
    faults: [
      ...faults,
      ...refusalFaults(status, body ?? {}),
      ...(changed || kept ? ["a refused root changed something"] : []),
    ],
    codes: [...new Set(issueCodes(body ?? {}))],
    accepted: false,
  };
}

/** Whether a dry run and the same for real got the same answer, but for whether it changed things. */
export function saysAsMuch(dry: Answer, real: Answer): boolean {
  const said = ({ status, text }: Answer): string =>
    JSON.stringify({ status, ...parse(text), changed: false });
  return said(dry) === said(real);
}

async function judgeAccepted(
  fleet: Fleet,
  world: TestWorld,
  { channel, body, dryRun }: Submission,
  answer: Body,
  changed: boolean,
): Promise<{ readonly faults: readonly string[]; readonly accepted: boolean }> {
  const current = fleet.current.get(channel) ?? new Uint8Array();
  const served = await readCurrent(world, fleet.token, channel);
  const same = answer["version"] === versionOf(current);
  const expected = !same && !dryRun;
  const faults = [
    ...(answer["changed"] === expected && changed === expected ? [] : ["changed is not so"]),
    ...(answer["channel"] === channel ? [] : ["another channel"]),
    ...(Array.isArray(answer["warnings"]) ? [] : ["no list of warnings"]),
    ...(expected || Buffer.compare(served, current) === 0 ? [] : ["what is served has changed"]),
  ];
  if (same) {
    return {
      faults: saysTheSame(current, body) ? faults : [...faults, "not the same"],
      accepted: false,
    };
  }
  const { dialect, now } = fleet;
  const against = [body, ...(dryRun ? [] : [served])].flatMap((next) =>
    objections({ dialect, current, next, now }).map((reason) => `accepted, but ${reason}`),
  );
  const other = !dryRun && !saysTheSame(body, served) ? ["served is not what was sent"] : [];
  const long = served.length > MAX_ROOT_BYTES[dialect] ? ["served is too long"] : [];
  return { faults: [...faults, ...against, ...other, ...long], accepted: true };
}

function refusalFaults(status: number, body: Body): readonly string[] {
  const { code, message, errors } = body;
  const known = CODES[status];
  if (known === undefined) return [`status ${status}`];
  const issues = issuesOf(body);
  const codes = issues.map(({ code }) => String(code));
  const unknown = codes.filter((name) => !Object.hasOwn(FINDING_RULES, name));
  const messages = JSON.stringify(issues.map(({ message }) => message));
  return [
    ...(known.includes(String(code)) ? [] : [`code ${String(code)} with status ${status}`]),
    ...(typeof message === "string" && message !== "" ? [] : ["no message"]),
    ...unknown.map((name) => `unknown finding ${name}`),
    ...(status === 422 && codes.length === 0 ? ["refused without a finding"] : []),
    ...(status === 422 && JSON.stringify(errors) !== messages ? ["errors are not the issues"] : []),
  ];
}

function issuesOf({ issues }: Body): readonly Body[] {
  return Array.isArray(issues) ? (issues as readonly Body[]) : [];
}

function issueCodes(body: Body): readonly string[] {
  const codes = issuesOf(body).map(({ code }) => String(code));
  return codes.length > 0 ? codes : [String(body["code"])];
}

function parse(text: string): Body | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as Body) : null;
  } catch {
    return null;
  }
}

function invariants({ state }: TestWorld): readonly string[] {
  try {
    state.invariants.assertInvariants();
    return [];
  } catch (error) {
    return [String(error)];
  }
}
