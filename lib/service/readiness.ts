/**
 * Whether the service can do its work, not only answer: one judgement for each part that it needs. Strangers
 * may ask, so a judgement is kept for some seconds and asking often makes no load; it names no Factory, no
 * path and no error. A part that does not answer in time is not ready, and nothing waits for it for longer.
 */

export interface Verdict {
  readonly ok: boolean;
  /** A plain sentence without a subject; the check's name is one. */
  readonly message: string;
}

export interface Check {
  readonly name: string;
  /** Called again only when the call before has ended. Where it throws, the part is not ready. */
  readonly judge: () => Promise<Verdict>;
}

/** JSON-ready. */
export interface ReadinessReport {
  readonly status: "ready" | "not-ready";
  readonly checks: readonly (Verdict & { readonly name: string })[];
}

/** Milliseconds. */
const KEPT = 5_000;
const WITHIN = 2_000;

export class Readiness {
  readonly #checks: readonly Check[];
  /** Names of checks that have not answered yet. */
  readonly #open = new Set<string>();
  #looking: Promise<ReadinessReport> | null = null;
  #last: { readonly at: number; readonly report: ReadinessReport } | null = null;

  constructor(checks: readonly Check[]) {
    this.#checks = checks;
  }

  /** @returns within some two seconds, whatever the parts do */
  async report(): Promise<ReadinessReport> {
    // Not the clock of the system, which may be set back.
    if (this.#last !== null && performance.now() < this.#last.at + KEPT) return this.#last.report;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<ReadinessReport> {
    const checks = await Promise.all(
      this.#checks.map(async (check) => ({ name: check.name, ...(await this.#judge(check)) })),
    );
    const status = checks.every(({ ok }) => ok) ? "ready" : "not-ready";
    const report = { status, checks } as const;
    this.#last = { at: performance.now(), report };
    return report;
  }

  async #judge({ name, judge }: Check): Promise<Verdict> {
    if (this.#open.has(name)) return LATE;
    this.#open.add(name);
    const late = Promise.withResolvers<Verdict>();
    const timer = setTimeout(() => late.resolve(LATE), WITHIN);
    const judged = outcome(judge).finally(() => this.#open.delete(name));
    try {
      return await Promise.race([judged, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const LATE: Verdict = { ok: false, message: "does not answer in time" };

async function outcome(judge: Check["judge"]): Promise<Verdict> {
  try {
    return await judge();
  } catch {
    return { ok: false, message: "could not be checked" };
  }
}
