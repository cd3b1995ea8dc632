/** The bundled functions as processes. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

interface Reply {
  readonly number: number;
  readonly result?: unknown;
  readonly failed?: string;
}

export class FunctionProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;
  /** Everything that it logged. */
  log = "";

  /** @param folder of its bundle; the first invocation waits for it */
  constructor(folder: string, env: NodeJS.ProcessEnv) {
    const file = fileURLToPath(new URL("function-process.ts", import.meta.url));
    const stdio = ["ignore", "pipe", "pipe", "ipc"] as const;
    this.#child = fork(file, [`${folder}/index.mjs`], { env, stdio: [...stdio], execArgv: [] });
    const started = Promise.withResolvers<unknown>();
    this.#waiting.set(0, started);
    started.promise.catch(() => undefined);
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
    this.ready = started.promise;
  }

  readonly ready: Promise<unknown>;

  async invoke(event: unknown): Promise<unknown> {
    await this.ready;
    const number = (this.#last += 1);
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(number, waiting);
    this.#child.send({ number, event: event ?? {} });
    return waiting.promise;
  }

  stop(): void {
    this.#child.removeAllListeners("exit");
    this.#child.kill();
  }
}
