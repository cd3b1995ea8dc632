/**
 * One installation for all stories of a test file, as its people meet it: the operator with a token, the
 * command line on somebody's machine, and requests to the public name. Stories are told one after the
 * other, and each makes Factories of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { sha256Text } from "../../../lib/tuf/bytes.ts";
import type { Config } from "../../../lib/infra/config.ts";
import { runCli, type CliResult } from "../../support/cli.ts";
import { deploy, PUBLIC_URL, type Deployment } from "../../support/deployed/deployment.ts";

const REROUTE = new URL("../../support/deployed/reroute.ts", import.meta.url).href;

export class Installation {
  readonly adminToken = `rw_${"A".repeat(43)}`;
  /** What a pipeline has. */
  readonly provisionerToken = `rw_${"P".repeat(43)}`;
  readonly url = PUBLIC_URL;
  readonly folder = mkdtempSync(join(tmpdir(), "rootward-chain-"));
  #aws: Deployment | null = null;
  #fetch = fetch;

  /** As helpers want a server: for them it is whatever token makes Factories and reads their state. */
  get pipeline(): { readonly url: string; readonly adminToken: string } {
    return { url: this.url, adminToken: this.provisionerToken };
  }

  get aws(): Deployment {
    if (this.#aws === null) throw new Error("nothing is deployed before the first test");
    return this.#aws;
  }

  async start(): Promise<void> {
    this.#aws = await deploy({
      adminTokenSha256: sha256Text(this.adminToken),
      provisionerTokenSha256: sha256Text(this.provisionerToken),
    });
    // For whatever in this file speaks to the public name or follows a presigned URL.
    globalThis.fetch = this.aws.fetch;
  }

  /** Another release takes the place of this one. */
  async release(change: Partial<Config>): Promise<void> {
    this.#aws = await this.aws.release(change);
    globalThis.fetch = this.aws.fetch;
  }

  async stop(): Promise<void> {
    globalThis.fetch = this.#fetch;
    await this.aws.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What a child process needs to find the public name, and a server and a token for the command line. */
  env(token = ""): Readonly<Record<string, string>> {
    return {
      ROOTWARD_SERVER: PUBLIC_URL,
      ROOTWARD_TOKEN: token,
      NODE_OPTIONS: `--import ${REROUTE}`,
      REROUTE: JSON.stringify(this.aws.reroute),
    };
  }

  /** `rootward ARGS` as a process. */
  async cli(args: readonly string[], token?: string, input = ""): Promise<CliResult> {
    return runCli(args, { env: this.env(token), input });
  }
}

/** What a run that succeeded said; where it did not, a test shows why. */
export function succeeded({ code, stdout, stderr }: CliResult): string {
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return stdout;
}

export function installation(): Installation {
  const one = new Installation();
  beforeAll(() => one.start(), 120_000);
  afterAll(() => one.stop());
  return one;
}
