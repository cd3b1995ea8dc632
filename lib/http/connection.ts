/**
 * One connection: it is answered one request at a time, in order. Pipelined requests wait without a
 * handler, and while one waits nothing more is read. Node by itself would run all of them at once, each
 * with its answer in memory.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";

interface Waiting {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly run: () => void;
}

export class Connection {
  readonly socket: Socket;
  /** Beyond the number of connections that are answered. */
  readonly refused: boolean;
  #current: Waiting | null = null;
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  #last: string | null = null;
  #progress: Progress | null = null;

  constructor(socket: Socket, refused: boolean) {
    this.socket = socket;
    this.refused = refused;
  }

  /** Requests so far, those that wait among them. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether the answer under way is the last one of so many. */
  isLast(requests: number): boolean {
    return this.#taken - this.#waiting.length >= requests;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs it once all earlier answers are over. */
  add(incoming: IncomingMessage, outgoing: ServerResponse, run: () => void): void {
    this.#taken += 1;
    this.#waiting.push({ incoming, outgoing, run });
    if (this.#current === null) return this.#next();
    this.socket.pause();
  }

  /** Ends the connection with an answer that no request can be found for, after those under way. */
  end(answer: string): void {
    this.#last = answer;
    // The error is in the body of the request that is being read, and no other code will answer it.
    const current = this.#current;
    const broken = current !== null && !current.incoming.complete && !current.outgoing.headersSent;
    if (current === null || broken) this.#end(answer);
  }

  cut(): void {
    this.#waiting.length = 0;
    this.socket.destroy();
  }

  /** Cuts the connection where its client does not take the answer under way. */
  cutIfStalled(now: number, limits: DrainLimits): void {
    if (!this.#current?.outgoing.headersSent) return;
    const taken = this.socket.bytesWritten - this.socket.writableLength;
    this.#progress ??= { began: now, takenBefore: taken, moved: now, taken };
    const progress = this.#progress;
    if (taken > progress.taken) Object.assign(progress, { taken, moved: now });
    const seconds = (now - progress.began - limits.drainTime) / 1000;
    const slow = taken - progress.takenBefore < seconds * limits.drainRate;
    if (slow || now - progress.moved > limits.stallTime) this.cut();
  }

  #next(): void {
    this.#progress = null;
    const next = this.#waiting.shift() ?? null;
    this.#current = next;
    if (next === null) {
      if (this.#last !== null) return this.#end(this.#last);
      this.socket.resume();
      return;
    }
    next.outgoing.once("close", () => {
      if (this.socket.destroyed) this.#waiting.length = 0;
      this.#next();
    });
    next.run();
  }

  #end(answer: string): void {
    endWith(this.socket, answer);
  }
}

interface Progress {
  readonly began: number;
  readonly takenBefore: number;
  moved: number;
  taken: number;
}

export interface DrainLimits {
  readonly stallTime: number;
  readonly drainTime: number;
  readonly drainRate: number;
}

const END_TIME = 1000;

/** Reads on for a moment, or the kernel would throw the answer away with what came after it. */
export function endWith(socket: Duplex, answer: string): void {
  if (!socket.writable) return void socket.destroy();
  socket.end(answer);
  socket.resume();
  setTimeout(() => socket.destroy(), END_TIME).unref();
}
