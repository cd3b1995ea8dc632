/**
 * Sends the requests of a recording to a living Factory, one after the other, and compares the answers
 * with the recorded ones: status, roots, online keys, the kinds of issues, and the form of every error.
 * Sentences are not compared, so they may be improved without a new recording.
 */
import { writeFileSync } from "node:fs";
import { fetchDescribed } from "../described.ts";
import { tarball } from "../cli-tar.ts";
import { readFirstKey } from "./fresh-keys.ts";
import { addUser, type Factory } from "./factory.ts";
import type { RootDocument } from "./root-document.ts";
import { FACTORY, TOKEN, type Exchange, type Transcript } from "./transcript.ts";
import { Translation } from "./translation.ts";

export interface Stage {
  readonly factory: Factory;
  /** The service ends without warning and starts again. @returns its address */
  restart(): Promise<string>;
  /** @returns its address afterwards */
  passTime(milliseconds: number): Promise<string>;
}

/** Of an answer to GET .../root/updates. */
interface Review {
  readonly status: string;
  readonly current: Pair | null;
  readonly updated: Pair | null;
  readonly issues: {
    readonly errors: readonly { readonly kind: string }[];
    readonly warnings: readonly { readonly kind: string }[];
  };
}

interface Pair {
  readonly "ci-root": string;
  readonly "prod-root": string;
  readonly "online-keys": Readonly<Record<string, string>>;
}

interface Live {
  readonly status: number;
  readonly text: string;
}

/** @returns what is wrong with the answers */
export async function replay(stage: Stage, transcript: Transcript): Promise<readonly string[]> {
  const { factory } = stage;
  const first = transcript.steps.find((step) => step.kind === "exchange");
  if (first === undefined) return ["nothing was recorded"];
  const tokens = new Map([["alice", factory.alice.token]]);
  for (const [user, scopes] of Object.entries(transcript.users)) {
    tokens.set(user, (await addUser(factory, user, scopes)).token);
  }
  let { url } = factory.host;
  let translation: Translation | null = null;
  const problems: string[] = [];
  for (const [index, step] of transcript.steps.entries()) {
    if (step.kind === "restart") url = await stage.restart();
    if (step.kind === "time-passes") url = await stage.passTime(step.milliseconds);
    if (step.kind !== "exchange") continue;
    translation ??= new Translation(Date.parse(first.at), Date.now());
    const sent = await translatedBody(step, translation);
    const live = await send(url + step.path.replace(`/${FACTORY}/`, `/${factory.name}/`), step, {
      body: sent,
      token: tokens.get(step.user) ?? `rw_${"x".repeat(43)}`,
    });
    keepFirstKey(factory, live.text);
    const wrong = compare(step, live, translation);
    const where = `step ${index}, ${step.user}: ${step.method} ${step.path}`;
    problems.push(...wrong.map((problem) => `${where}: ${problem}`));
    // Later steps rest on this one.
    if (problems.length > 0) return problems;
  }
  return problems;
}

async function translatedBody(step: Exchange, translation: Translation): Promise<string> {
  if (!step.body.startsWith("{")) return step.body;
  const body = JSON.parse(step.body) as Readonly<Record<string, unknown>>;
  if ("signed" in body) {
    const root = body as unknown as RootDocument;
    await translation.makeKeys(root);
    return spelled(translation.document(root));
  }
  const members = { ...translation.value(body) };
  for (const name of ["ci-root", "prod-root"]) {
    if (body[name] === undefined) continue;
    const root = body[name] as RootDocument;
    await translation.makeKeys(root);
    members[name] = translation.document(root);
  }
  return spelled(members);
}

/** As Go's encoding/json does it. */
function spelled(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&]/g,
    (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
  );
}

async function send(
  url: string,
  { method, headers }: Exchange,
  { body, token }: { readonly body: string; readonly token: string },
): Promise<Live> {
  const base64 = Buffer.from(token).toString("base64");
  const own = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    value.replace(`base64(${TOKEN})`, base64).replace(TOKEN, token),
  ]);
  const init = { method, headers: own, ...(body !== "" && { body }) };
  const response = await fetchDescribed(url, init);
  return { status: response.status, text: await response.text() };
}

function compare(step: Exchange, live: Live, translation: Translation): readonly string[] {
  if (live.status !== step.status) {
    return [`expected ${step.status}, got ${live.status}: ${live.text.slice(0, 500)}`];
  }
  // fioctl did not read it, and nor do we.
  if (step.lost === true) return [];
  if (live.status >= 400) return errorProblems(live.text, step.answer);
  if (step.method === "GET" && step.path.endsWith("/root/updates")) {
    const [before, after] = [step.answer, live.text].map((text) => JSON.parse(text) as Review);
    if (before === undefined || after === undefined) return ["no answer"];
    return reviewProblems(before, after, translation);
  }
  const [recorded, answer] = [step.answer, live.text].map(
    (text) => JSON.parse(text) as Record<string, unknown>,
  );
  if (recorded === undefined || answer === undefined) return ["no answer"];
  if ("signed" in recorded) {
    return rootProblems(
      recorded as unknown as RootDocument,
      answer as unknown as RootDocument,
      translation,
    );
  }
  takeFirstKey(answer, translation);
  if (step.path.endsWith("/first_root.sec")) return bareSeed(answer);
  if (typeof recorded["txid"] === "string") {
    translation.learnWord(recorded["txid"], String(answer["txid"]));
  }
  // A cancelled update that all had signed is told of; fioctl reads nothing of that answer.
  if (step.path.endsWith("/cancel") && "warning" in answer && "signed" in answer) {
    delete answer["warning"];
    delete answer["signed"];
  }
  const [expected, got] = [recorded, answer].map((one) => Object.keys(one).sort().join());
  return expected === got ? [] : [`expected the members ${expected}, got ${got}`];
}

/** Where a check of the service's files for readable keys looks for the owner's. */
function keepFirstKey(factory: Factory, answer: string): void {
  if (!answer.includes('"private"')) return;
  const { "first_root.sec": sec } = JSON.parse(answer) as Record<string, unknown>;
  const entry = { name: "first-root.sec", body: sec === undefined ? answer : JSON.stringify(sec) };
  writeFileSync(factory.file("first-root.tgz"), tarball([entry]));
}

/** In the answer to `init`, or alone, as before 0.30. */
function takeFirstKey(answer: Readonly<Record<string, unknown>>, translation: Translation): void {
  const key = (answer["first_root.sec"] ?? answer) as { keyval?: { private?: string } };
  const text = key.keyval?.private;
  if (text !== undefined) translation.takeFirstKey(readFirstKey(text));
}

/** fioctl before 0.30, which alone asks for the key at its own path, reads no seed without a public half. */
function bareSeed(answer: Readonly<Record<string, unknown>>): readonly string[] {
  const { keytype, keyval } = answer as { keytype?: string; keyval?: { private?: string } };
  if (keytype !== "ED25519" || keyval?.private?.length === 128) return [];
  return ["the first root key has no public half behind its seed"];
}

/** fioctl shows a `message` that is a string, and `errors` that are strings; nothing else. */
function errorProblems(text: string, recorded: string): readonly string[] {
  const [before, body] = [recorded, text].map((one) => JSON.parse(one) as Record<string, unknown>);
  const { message, errors, code } = body ?? {};
  const problems: string[] = [];
  if (typeof message !== "string" || message === "") problems.push(`no message in ${text}`);
  const lines: readonly unknown[] = Array.isArray(errors) ? (errors as unknown[]) : [errors];
  if (errors !== undefined && !lines.every((line) => typeof line === "string")) {
    problems.push(`errors that are no strings in ${text}`);
  }
  if (code !== before?.["code"]) problems.push(`expected ${String(before?.["code"])}, got ${text}`);
  return problems;
}

function reviewProblems(
  recorded: Review,
  live: Review,
  translation: Translation,
): readonly string[] {
  const problems: string[] = [];
  for (const name of ["current", "updated"] as const) {
    const [before, after] = [recorded[name], live[name]];
    if ((before === null) !== (after === null)) problems.push(`${name}: present in one alone`);
    if (before === null || after === null) continue;
    const [expected, root] = [before["ci-root"], after["ci-root"]].map(
      (text) => JSON.parse(text) as RootDocument,
    );
    if (expected === undefined || root === undefined) continue;
    problems.push(...rootProblems(expected, root, translation).map((one) => `${name}: ${one}`));
    if ((before["prod-root"] === "") !== (after["prod-root"] === "")) {
      problems.push(`${name}: a prod root in one alone`);
    }
    const keys = JSON.stringify(translation.value(before["online-keys"]));
    if (keys !== JSON.stringify(after["online-keys"])) problems.push(`${name}: other online keys`);
  }
  const kinds = ({ status, issues }: Review): string =>
    [status, ...issues.errors, "and", ...issues.warnings]
      .map((one) => (typeof one === "string" ? one : one.kind))
      .join(" ");
  if (kinds(recorded) !== kinds(live)) {
    problems.push(`expected ${kinds(recorded)}, got ${kinds(live)}`);
  }
  return problems;
}

function rootProblems(
  recorded: RootDocument,
  live: RootDocument,
  translation: Translation,
): readonly string[] {
  const same = translation.learnRoot(recorded, live);
  const problems = same ? [] : [`root ${recorded.signed.version} is not the recorded one`];
  const [expected, got] = [
    recorded.signatures.map(({ keyid }) => translation.text(keyid)),
    live.signatures.map(({ keyid }) => keyid),
  ];
  if (expected.sort().join() !== got.sort().join()) problems.push("signatures by other keys");
  return problems;
}
