/** What a listed difference is: docs/differences.md has its reason under the same id. */
import type { JsonValue } from "../../../lib/tuf/json.ts";
import type { OurFinding, Reader } from "./our-judge.ts";

export type Client = "tuf-js" | "python-tuf";

/** One disagreement, as far as a difference may look at it. */
export interface Seen {
  readonly client: Client;
  /** Who of us: see our-judge.ts; `served` is what devices get of what the service accepts. */
  readonly reader: Reader | "served";
  /** Of the candidate, in bytes. */
  readonly length: number;
  readonly findings: readonly OurFinding[];
  /** Read as loosely as the loosest client does. */
  readonly trusted: JsonValue;
  readonly candidate: JsonValue;
}

/** We refuse, the client accepts. */
export interface Stricter {
  readonly id: string;
  readonly clients: readonly Client[];
  /** The findings of ours that this accounts for, where `when` holds. */
  readonly codes: readonly string[];
  readonly when: (finding: OurFinding, seen: Seen) => boolean;
  /** Findings that follow from those: what is not read is not counted. */
  readonly brings?: readonly string[];
}

/** We accept, the client refuses. */
export interface Looser {
  readonly id: string;
  readonly clients: readonly Client[];
  /** Never what is served: both clients take all of that. */
  readonly readers: readonly Reader[];
  /** The client's words. */
  readonly says: RegExp;
  readonly when: (seen: Seen) => boolean;
}

export const BOTH: readonly Client[] = ["tuf-js", "python-tuf"];
export const TUF_JS: readonly Client[] = ["tuf-js"];
export const PYTHON: readonly Client[] = ["python-tuf"];

/** Holds of every finding with one of the codes. */
export const always = (): boolean => true;

/** Holds of findings that say so. */
export function saying(pattern: RegExp): Stricter["when"] {
  return ({ message }) => pattern.test(message);
}
