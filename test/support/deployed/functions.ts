/** The bundled functions as processes. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

interface Reply {
  readonly number: number;
  readonly result?: unknown;
  readonly failed?: string;
}

export interface FunctionCode {
  /** Of its bundle. */
  readonly folder: string;
  /** `FILE.EXPORT`. */
  readonly handler: string;
  readonly env: NodeJS.ProcessEnv;
  /** Called as each run begins. */
  readonly begins: () => void;
}

export class FunctionProcess {
  readonly #child: ChildProcess;
  readonly #begins: () => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;
  /** Everything that it logged. */
  log = "";
  /** Settles when its code was read; the first invocation waits for it. */
  readonly ready: Promise<unknown>;

  constructor({ folder, handler, env, begins }: FunctionCode) {
    this.#begins = begins;
    const file = fileURLToPath(new URL("function-process.ts", import.meta.url));
    const stdio = ["ignore", "pipe", "pipe", "ipc"] as const;
    this.#child = fork(file, [folder, handler], { env, stdio: [...stdio], execArgv: [] });
    const started = Promise.withResolvers<unknown>();
    this.#waiting.set(0, started);
    started.promise.catch(() => undefined);
    this.ready = started.promise;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.log += chunk.toString("utf8");
      });
    }
    this.#child.on("message", ({ number, result, failed }: Reply) => {
      const waiting = this.#waiting.get(number);
      if (failed === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(failed));
    });
    this.#child.on("exit", (code) => {
      const ended = new Error(`the function ended with ${code}: ${this.log}`);
      for (const { reject } of this.#waiting.values()) reject(ended);
    });
  }

  async invoke(event: unknown): Promise<unknown> {
    this.#begins();
    return this.#send({ event: event ?? {} });
  }

  /** @param offset milliseconds from the real time */
  async moveClock(offset: number): Promise<void> {
    await this.#send({ clock: offset });
  }

  async stop(): Promise<void> {
    this.#child.removeAllListeners("exit");
    this.#child.kill();
  }

  async #send(message: object): Promise<unknown> {
    await this.ready;
    const number = (this.#last += 1);
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(number, waiting);
    this.#child.send({ number, ...message });
    return waiting.promise;
  }
}
