/**
 * What an operation takes of AWS, counted on the wire; in DynamoDB with the units that an item of this size
 * takes. What the SDK repeats on a slow machine is not counted again.
 */
import { FUNCTIONS, type FunctionName } from "../../../lib/settings.ts";
import type { Call } from "../../support/deployed/guard.ts";
import type { Deployment } from "../../support/deployed/deployment.ts";

export interface Usage {
  /** Requests to the API. */
  readonly requests: number;
  /** Runs of each function; those that ran for a request or for the schedule are among them. */
  readonly runs: Readonly<Record<FunctionName, number>>;
  readonly reads: Counted;
  readonly writes: Counted;
  /** Requests to KMS with symmetric keys. */
  readonly wraps: number;
  /** Requests to KMS with the asymmetric keys that sign. */
  readonly signatures: number;
  readonly s3Reads: number;
  /** Deletions are free, and not among them. */
  readonly s3Writes: number;
  readonly mails: number;
  readonly events: number;
}

interface Counted {
  readonly requests: number;
  readonly units: number;
}

/** @param run is made on its own: nothing else happens meanwhile */
export async function measure(aws: Deployment, run: () => Promise<unknown>): Promise<Usage> {
  const before = { calls: aws.calls.length, runs: aws.runs.length };
  await run();
  const runs = aws.runs.slice(before.runs);
  const calls = aws.calls.slice(before.calls).filter(({ isBesides }) => !isBesides);
  const invoked = counted(calls, /^lambda:/).requests;
  const scheduled = runs.filter((name) => name === "refresh").length;
  return usage(calls, runs, runs.length - invoked - scheduled);
}

function usage(calls: readonly Call[], runs: readonly FunctionName[], requests: number): Usage {
  const runsOf = (name: FunctionName): number => runs.filter((one) => one === name).length;
  const all = (actions: RegExp): number => counted(calls, actions).requests;
  return {
    requests,
    runs: Object.fromEntries(FUNCTIONS.map((name) => [name, runsOf(name)])) as Usage["runs"],
    reads: counted(calls, /^dynamodb:(?:GetItem|Query)$/),
    writes: counted(calls, /^dynamodb:(?:PutItem|UpdateItem|DeleteItem)$/),
    wraps: all(/^kms:(?:Encrypt|Decrypt|GenerateDataKey|ScheduleKeyDeletion)$/),
    signatures: all(/^kms:(?:Sign|GetPublicKey|CreateKey)$/),
    s3Reads: all(/^s3:GetObject$/),
    s3Writes: all(/^s3:PutObject$/),
    mails: all(/^ses:/),
    events: all(/^events:/),
  };
}

function counted(calls: readonly Call[], actions: RegExp): Counted {
  const all = calls.filter(({ action }) => actions.test(action));
  return { requests: all.length, units: all.reduce((sum, { units }) => sum + units, 0) };
}
