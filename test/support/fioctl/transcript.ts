/**
 * What the real fioctl sent in one story, and what it was answered, as a file in test/fioctl/recorded, in a
 * folder of its release.
 * Bodies are the text that was sent, to the byte. Nothing in it is a secret: the Factory's name, tokens
 * and the private half of the first root key are replaced by the placeholders below.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const RECORDED = fileURLToPath(new URL("../../fioctl/recorded/", import.meta.url));

/** Stands for what an answer of the service had and a recording leaves out. */
export const REMOVED = "REMOVED";
/** Stands for the Factory's name in paths. */
export const FACTORY = "FACTORY";
/** Stands for a token in a header, raw or in base64. */
export const TOKEN = "TOKEN";

export interface Exchange {
  readonly kind: "exchange";
  /** When the request arrived, in ISO 8601. */
  readonly at: string;
  readonly user: string;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The answer never reached fioctl. */
  readonly lost?: true;
  readonly status: number;
  readonly answer: string;
}

/** What happened between two requests: a command began, or something befell the service. */
export type Happening =
  | { readonly kind: "command"; readonly user: string; readonly line: string }
  | { readonly kind: "restart" }
  | { readonly kind: "time-passes"; readonly milliseconds: number };

export interface Transcript {
  readonly story: string;
  /** As fioctl names itself in its requests. */
  readonly fioctl: string;
  /** The day, in ISO 8601. */
  readonly recorded: string;
  /** Of the Factory's first keys. */
  readonly keyType: string;
  /** How far the service's clock is behind when the Factory is made; milliseconds. */
  readonly behind: number;
  /** The scopes of everyone but the owner. */
  readonly users: Readonly<Record<string, readonly string[]>>;
  /** How many roots each chain has at the end. */
  readonly versions: number;
  readonly onlineKeys: "kept" | "new";
  readonly steps: readonly (Exchange | Happening)[];
}

/** @param recording a release and a story, as in `v0.29/direct` */
export function readTranscript(recording: string): Transcript {
  return JSON.parse(readFileSync(`${RECORDED}${recording}.json`, "utf8")) as Transcript;
}

/** All recordings: a release and a story each. */
export function recordings(): readonly string[] {
  return readdirSync(RECORDED, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length))
    .sort();
}

export function exchangesOf({ steps }: Transcript): readonly Exchange[] {
  return steps.filter((step) => step.kind === "exchange");
}
