/** The other end of a poller (poller.ts): starts it, keeps every poll that it tells of, and ends it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Poll } from "./poller.ts";

const SCRIPT = fileURLToPath(new URL("./poller.ts", import.meta.url));

/** A device that is further behind after so many polls does not recover. */
const PATIENCE = 50;

export class PollerProcess {
  /** Every poll so far, in order. */
  readonly polls: Poll[] = [];
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  #errors = "";
  #over = false;
  #tell: () => void = () => undefined;

  /**
   * @param url of the channel
   * @param folder a new one, for what the device holds
   * @param root version 1, which is all that it knows
   */
  constructor(url: string, folder: string, root: Uint8Array) {
    mkdirSync(folder);
    writeFileSync(`${folder}/root.json`, root);
    this.#child = spawn(process.execPath, [SCRIPT, url, folder], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#exit = once(this.#child, "close");
    this.#child.on("close", () => {
      this.#over = true;
      this.#tell();
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    if (this.#child.stdout === null) throw new Error("a poller without an output");
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.polls.push(JSON.parse(line) as Poll);
      this.#tell();
    });
  }

  /** Waits until the device has a root of at least this version. */
  async reaches(version: number): Promise<void> {
    const patience = this.polls.length + PATIENCE;
    while ((this.polls.at(-1)?.after.root ?? 0) < version) {
      if (this.#over || this.polls.length > patience) {
        const last = JSON.stringify(this.polls.at(-1));
        throw new Error(`a device does not reach root ${version}: ${last} ${this.#errors}`);
      }
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
    }
  }

  /** Lets it poll once more, and waits for its end. */
  async finish(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exit;
    if (this.#child.exitCode !== 0) throw new Error(`a poller failed: ${this.#errors}`);
  }

  /** SIGKILL, and waits until the process is gone; harmless where it is gone already. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }
}
