/**
 * The page's requests to the service. Every failure is a RootwardError: `server-unreachable` where no
 * answer came, `unavailable` where it is to be asked again, the service's own code where it refused.
 */
import * as v from "valibot";
import { claimDelivery, confirmDelivery } from "../api/delivery.ts";
import type { BodyOperation, JsonOperation } from "../api/operation.ts";
import { refusal } from "../api/refusals.ts";
import { deliveredName, type ClaimAnswer, type ConfirmAnswer } from "../delivery/claim.ts";
import { RootwardError, type ErrorCode } from "../error.ts";
import { concatBytes } from "../tuf/bytes.ts";

export interface Claimant {
  readonly id: string;
  readonly claimant: string;
}

const TIMEOUT_MS = 60_000;

const told = v.pick(refusal, ["code", "message", "factory", "usedAt", "expiredAt", "leaseEndedAt"]);

const REFUSALS: readonly ErrorCode[] = [
  "delivery-used",
  "delivery-expired",
  "delivery-replaced",
  "delivery-mismatch",
  "not-found",
];

export async function claimLink(claimant: Claimant): Promise<ClaimAnswer> {
  const answer = await post(claimDelivery, claimant);
  // The file's name ends up in a command: it is what it must be, or nothing goes on.
  const expected = deliveredName(answer.factory, answer.recipient !== null);
  if (answer.filename === expected) return answer;
  throw new RootwardError("server-refused", "the service names no Factory and file");
}

export async function confirmLink(claimant: Claimant, sha256: string): Promise<ConfirmAnswer> {
  return post(confirmDelivery, { ...claimant, sha256 });
}

/**
 * Fetches the sealed archive.
 *
 * @param size how many bytes it has; more are not taken
 * @param progress is told how many have come
 */
export async function fetchSealed(
  url: string,
  size: number,
  progress: (bytes: number) => void,
): Promise<Uint8Array> {
  const response = await answerTo(url, { cache: "no-store", credentials: "omit" });
  if (!response.ok) throw new RootwardError("unavailable", `the archive: ${response.status}`);
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read().catch(brokenOff);
    if (part === undefined || part.done) break;
    total += part.value.length;
    if (total > size) throw new RootwardError("archive-invalid", "it is longer than announced");
    chunks.push(part.value);
    progress(total);
  }
  return concatBytes(...chunks);
}

async function post<const O extends JsonOperation & BodyOperation>(
  { path, answer: schema }: O,
  body: v.InferInput<O["body"]>,
): Promise<v.InferOutput<O["answer"]>> {
  const response = await answerTo(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw refused(response.status, answer);
  const parsed = v.safeParse(schema, answer);
  if (parsed.success) return parsed.output;
  // An answer that broke off is no answer.
  if (answer === null) brokenOff();
  throw new RootwardError("server-refused", "it is not what a Rootward service answers");
}

async function answerTo(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, {
      ...init,
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    return brokenOff();
  }
}

function brokenOff(): never {
  throw new RootwardError("server-unreachable", "no answer from the service");
}

function refused(status: number, answer: unknown): RootwardError {
  const read = v.safeParse(told, answer);
  const known = read.success ? REFUSALS.find((code) => code === read.output.code) : undefined;
  if (read.success && known !== undefined) {
    const { code: _, message, ...times } = read.output;
    const facts = Object.fromEntries(
      Object.entries(times).filter((fact): fact is [string, string] => fact[1] !== undefined),
    );
    return new RootwardError(known, message, { facts });
  }
  // Also what a proxy says in the service's place.
  if (status >= 500 || status === 429) return new RootwardError("unavailable", String(status));
  return new RootwardError("server-refused", read.success ? read.output.message : String(status));
}
