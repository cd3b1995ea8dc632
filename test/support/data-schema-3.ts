/**
 * A copy of the data folder that the release of schema 3 wrote (test/fixtures/data-schema-3), and a
 * server of today's code on it. The server's clock starts at the folder's own time.
 */
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer, type TestServer } from "./embedded.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/data-schema-3", import.meta.url));

/** What its owners know: tokens, links, and root keys that are in no archive. */
export interface OldSecrets {
  readonly madeAt: string;
  readonly factories: {
    readonly plant: { readonly ownerToken: string; readonly targetsToken: string };
    readonly turned: { readonly ownerToken: string; readonly rootKey: string };
    readonly fleet: {
      readonly ownerToken: string;
      readonly newRootKey: string;
      readonly txid: string;
    };
    readonly unclaimed: {
      readonly ownerToken: string;
      readonly link: string;
      /** Of the bootstrap before. */
      readonly endedLink: string;
    };
    readonly claimed: {
      readonly ownerToken: string;
      readonly link: string;
      readonly claimant: string;
    };
    readonly direct: { readonly ownerToken: string };
    readonly waiting: { readonly ownerToken: string };
  };
}

export const OLD = JSON.parse(readFileSync(join(FIXTURE, "secrets.json"), "utf8")) as OldSecrets;

/** Those that devices may read. */
export const OLD_LIVE = ["plant", "turned", "fleet", "direct", "waiting"] as const;

/** @returns a temporary folder with `data` and `owners`; the caller removes it */
export function copyOldData(): string {
  const home = mkdtempSync(join(tmpdir(), "rootward-schema-3-"));
  cpSync(FIXTURE, home, { recursive: true });
  for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  }
  return home;
}

/** When {@link startOldData} starts, by the clock of the server: milliseconds since 1970. */
export const OLD_START = Date.parse(OLD.madeAt) + 60_000;

/** Starts today's code on a copy. */
export async function startOldData(): Promise<TestServer> {
  return startServer(copyOldData(), OLD_START - Date.now());
}
