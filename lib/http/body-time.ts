/**
 * How long a body may take: what a token may do is looked at when the headers are there, and memory is held
 * until the body is. A body of up to 64 KiB has a fixed time. A larger one has that time to begin with, and
 * more as it comes: it must keep up an average rate, so its limit in bytes is also a limit in time.
 */
import { RootwardError } from "../error.ts";
import type { BodyTimes } from "./limits.ts";

export class BodyClock {
  readonly #times: BodyTimes | null;
  readonly #maySlide: boolean;
  readonly #began = performance.now();

  /** @param times null for bodies that are there already; @param large whether more than 64 KiB may come */
  constructor(times: BodyTimes | null, large: boolean) {
    this.#times = times;
    this.#maySlide = large;
  }

  /**
   * Waits for the next part of a body.
   *
   * @param received bytes so far
   * @throws RootwardError `timeout`, and whatever `part` throws
   */
  async wait<T>(part: Promise<T>, received: number): Promise<T> {
    if (this.#times === null) return part;
    const { time, rate } = this.#times;
    const allowed = time + (this.#maySlide ? (received / rate) * 1000 : 0);
    const left = this.#began + allowed - performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooSlow()), Math.max(0, left));
    });
    try {
      return await Promise.race([part, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function tooSlow(): RootwardError {
  return new RootwardError("timeout", "the body came too slowly: send the request again");
}
