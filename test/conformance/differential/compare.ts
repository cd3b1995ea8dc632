/**
 * Our verdicts beside a client's, on the same bytes. Where the two differ there must be a listed
 * difference for it; a difference that no case shows any more is an error too.
 *
 * What the service accepts is judged twice: as it was sent, and as devices get it.
 */
import type { RootCase } from "../corpus/root-case.ts";
import type { Client, Seen } from "./difference.ts";
import { LOOSER, STRICTER } from "./differences.ts";
import { documentOf } from "./document.ts";
import { ourVerdict, READERS, type OurVerdict, type Reader } from "./our-judge.ts";

/** What a client is asked: would you go from `trusted` to `candidate`? */
export type Update = Pick<RootCase, "trusted" | "candidate">;

export interface ClientVerdict {
  readonly accepts: boolean;
  /** The client's own words about a refusal. */
  readonly says: string;
}

/** Answers every update, in order. */
export type Judge = (updates: readonly Update[]) => Promise<readonly ClientVerdict[]>;

/** How often the service and the client came to which verdicts. */
interface Counts {
  readonly cases: number;
  readonly bothAccept: number;
  readonly bothRefuse: number;
  readonly weRefuse: number;
  readonly theyRefuse: number;
}

export interface Report {
  readonly counts: Counts;
  /** How many cases showed each difference that is listed for the client. */
  readonly differences: ReadonlyMap<string, number>;
  /** One text for each disagreement that no difference explains, or more than one. */
  readonly unexplained: readonly string[];
  /** Listed differences that no case showed: `id (we)` or `id (they)`, for who is stricter. */
  readonly unseen: readonly string[];
}

/** One comparison: a case, one of our readers, and what the client said. */
interface Pair {
  readonly one: RootCase;
  readonly reader: Reader | "served";
  readonly ours: OurVerdict;
  readonly theirs: ClientVerdict;
}

export async function compare(
  client: Client,
  cases: readonly RootCase[],
  judge: Judge,
): Promise<Report> {
  const pairs = await pair(cases, judge);
  const seen = new Map<string, Set<RootCase>>();
  const unexplained: string[] = [];
  for (const { one, reader, ours, theirs } of pairs) {
    if (ours.accepts === theirs.accepts) continue;
    const side = ours.accepts ? "they" : "we";
    const found = ours.accepts
      ? looser(client, { one, reader, theirs })
      : stricter(client, { one, reader, ours });
    for (const id of found.ids) {
      const key = `${id} (${side})`;
      seen.set(key, (seen.get(key) ?? new Set()).add(one));
    }
    if (found.problem !== null)
      unexplained.push(describe(one, reader, ours, theirs, found.problem));
  }
  const listed = [
    ...STRICTER.filter(({ clients }) => clients.includes(client)).map(({ id }) => `${id} (we)`),
    ...LOOSER.filter(({ clients }) => clients.includes(client)).map(({ id }) => `${id} (they)`),
  ];
  return {
    counts: count(pairs),
    differences: new Map(listed.map((key) => [key, seen.get(key)?.size ?? 0])),
    unexplained,
    unseen: listed.filter((key) => !seen.has(key)),
  };
}

async function pair(cases: readonly RootCase[], judge: Judge): Promise<readonly Pair[]> {
  const judged = cases.flatMap((one) => {
    const all = READERS.map((reader) => ({ one, reader, ours: ourVerdict(reader, one) }));
    const served = all[0]?.ours.served;
    if (served === undefined) return [{ one, all }];
    const asServed = { ...one, candidate: served };
    const ours: OurVerdict = { accepts: true, findings: [] };
    return [
      { one, all },
      { one: asServed, all: [{ one: asServed, reader: "served" as const, ours }] },
    ];
  });
  const verdicts = await judge(judged.map(({ one }) => one));
  return judged.flatMap(({ all }, i) => {
    const theirs = verdicts[i];
    if (theirs === undefined) throw new Error("the client did not answer every update");
    return all.map((ours) => ({ ...ours, theirs }));
  });
}

interface Explanation {
  readonly ids: readonly string[];
  readonly problem: string | null;
}

/** Findings that can have several reasons at once: each may take signatures from the count. */
const COUNTS: readonly string[] = ["current-threshold", "new-threshold"];

/** Every finding of ours is one that a listed difference accounts for, and only one. */
function stricter(
  client: Client,
  { one, reader, ours }: Pick<Pair, "one" | "reader" | "ours">,
): Explanation {
  const about = seenOf(client, one, reader, ours);
  const matched = STRICTER.filter(
    ({ clients, codes, when }) =>
      clients.includes(client) &&
      ours.findings.some((finding) => codes.includes(finding.code) && when(finding, about)),
  );
  const brought = new Set(matched.flatMap(({ brings = [] }) => brings));
  const problems = ours.findings.flatMap((finding) => {
    const own = matched.filter(
      ({ codes, when }) => codes.includes(finding.code) && when(finding, about),
    );
    if (own.length === 1 || (own.length === 0 && brought.has(finding.code))) return [];
    if (own.length > 1 && COUNTS.includes(finding.code)) return [];
    const why = own.length === 0 ? "no difference" : own.map(({ id }) => id).join(" and ");
    return [`${why} for ${finding.code} (${finding.message})`];
  });
  return { ids: matched.map(({ id }) => id), problem: problems.join("; ") || null };
}

/** The refusal is one that a listed difference accounts for, and only one. */
function looser(
  client: Client,
  { one, reader, theirs }: Pick<Pair, "one" | "reader" | "theirs">,
): Explanation {
  const about = seenOf(client, one, reader);
  const ids = LOOSER.filter(
    ({ clients, readers, says, when }) =>
      clients.includes(client) &&
      reader !== "served" &&
      readers.includes(reader) &&
      says.test(theirs.says) &&
      when(about),
  ).map(({ id }) => id);
  if (ids.length === 1) return { ids, problem: null };
  return { ids: [], problem: ids.length === 0 ? "no difference" : ids.join(" and ") };
}

function seenOf(
  client: Client,
  { trusted, candidate }: RootCase,
  reader: Pair["reader"],
  ours?: OurVerdict,
): Seen {
  return {
    client,
    reader,
    length: candidate.length,
    findings: ours?.findings ?? [],
    trusted: documentOf(trusted),
    candidate: documentOf(candidate),
  };
}

function count(pairs: readonly Pair[]): Counts {
  const bySent = pairs.filter(({ reader }) => reader === "service");
  const both = (we: boolean, they: boolean): number =>
    bySent.filter(({ ours, theirs }) => ours.accepts === we && theirs.accepts === they).length;
  return {
    cases: bySent.length,
    bothAccept: both(true, true),
    bothRefuse: both(false, false),
    weRefuse: both(false, true),
    theyRefuse: both(true, false),
  };
}

function describe(
  one: RootCase,
  reader: string,
  ours: OurVerdict,
  theirs: ClientVerdict,
  problem: string,
): string {
  const codes = ours.findings.map(({ code }) => code).join(", ");
  const we = ours.accepts ? "we accept" : `we refuse (${codes})`;
  const they = theirs.accepts ? "they accept" : `they refuse (${theirs.says.slice(0, 300)})`;
  const text = Buffer.from(one.candidate.subarray(0, 3000)).toString();
  return `${one.name}\n  ${reader}: ${we}, ${they}: ${problem}\n  ${text}`;
}
