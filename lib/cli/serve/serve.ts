/**
 * The embedded service on a port, with its schedule. It is given a signer, and holds no key that
 * signs (launch.ts).
 */
import { cacheDocuments } from "../../adapters/embedded/document-cache.ts";
import { openEmbedded } from "../../adapters/embedded/open.ts";
import { RootwardError } from "../../error.ts";
import { EFFECT_KINDS } from "../../state/effect.ts";
import { errorCode } from "../../files.ts";
import { DEFAULT_REFRESH } from "../../state/schedule.ts";
import { createApp } from "../../http/app.ts";
import { errorLog } from "../../http/base.ts";
import type { Page } from "../../http/download.ts";
import type { ServerLimits } from "../../http/limits.ts";
import { createNodeServer } from "../../http/node-server.ts";
import { Readiness } from "../../service/readiness.ts";
import { sparing } from "../../service/reporting.ts";
import { Retries } from "../../service/retries.ts";
import type { Service } from "../../service/service.ts";
import { allFactories, checkStandings } from "../../service/roots/check-standings.ts";
import { sweepAttempts } from "../../service/bootstrap/sweep-attempts.ts";
import { runSchedule } from "../../service/run-schedule.ts";
import type { Signer } from "../../signing/operations.ts";
import { line, type Line } from "../../text/line.ts";
import { checkPublicUrl } from "./public-url.ts";
import { embeddedChecks } from "./readiness-checks.ts";
import { reportLine } from "../terminal.ts";

export interface ServeOptions {
  readonly data: string;
  readonly outbox: string;
  readonly signer: Signer;
  readonly page: Page;
  readonly port: number;
  readonly host: string;
  readonly publicUrl: string | undefined;
  /** A line for the operator; never with a secret. */
  readonly log: (line: Line) => void;
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number;
  /** Milliseconds since the machine started; the system's unless given. */
  readonly uptime?: () => number;
  /** How often the schedule looks for what is due, in milliseconds. */
  readonly scheduleEvery?: number;
  /** SERVER_LIMITS unless given. */
  readonly limits?: ServerLimits;
}

export interface RunningServer {
  readonly url: string;
  close(): Promise<void>;
}

const SCHEDULE_EVERY = 60_000;
/** In which runs it is looked for what bootstraps left: about once an hour. */
const SWEEP_EVERY = 60;
/** A run may be long after an outage; a schedule that has not finished one for longer has stopped. */
const RUN_WITHIN = 10 * 60_000;

export async function serve(options: ServeOptions): Promise<RunningServer> {
  const publicUrl = checkPublicUrl(options);
  // SQLite makes its own files beside the database; nothing of ours is for anybody else.
  process.umask(0o077);
  const state = { url: "" };
  const now = options.now ?? Date.now;
  const report = sparing((what, error) => options.log(reportLine(what, error)), now);
  const { ports, databaseState, linksFrom, close } = await openEmbedded({
    dataFolder: options.data,
    outboxFolder: options.outbox,
    signer: options.signer,
    publicUrl: () => publicUrl ?? state.url,
    report,
    log: (text) => options.log(line`${text}`),
    now,
    ...(options.uptime && { uptime: options.uptime }),
  });
  const service: Service = {
    ...ports,
    documents: cacheDocuments(ports.documents),
    policy: DEFAULT_REFRESH,
    linksFrom,
    retries: new Retries(),
    effects: EFFECT_KINDS,
    get publicUrl() {
      return publicUrl ?? state.url;
    },
  };
  const every = options.scheduleEvery ?? SCHEDULE_EVERY;
  const schedule = { lastEnded: performance.now() };
  const checks = embeddedChecks({
    dataFolder: options.data,
    outboxFolder: options.outbox,
    databaseState,
    signer: options.signer,
    clock: ports.clock,
    sinceRun: () => performance.now() - schedule.lastEnded,
    runWithin: Math.max(RUN_WITHIN, 2 * every),
  });
  const app = createApp({
    service,
    page: options.page,
    archives: ports.archives,
    readiness: new Readiness(checks),
  });
  const server = createNodeServer(app.fetch, errorLog(service), options.limits);
  const port = await server.listen(options.port, options.host).catch((error: unknown) => {
    close();
    throw new RootwardError(
      "usage",
      `cannot listen on ${options.host} port ${options.port}: ${errorCode(error) ?? "unknown"}`,
    );
  });
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  state.url = `http://${host}:${port}`;
  const ended = (): void => {
    schedule.lastEnded = performance.now();
  };
  const stopSchedule = startSchedule(service, every, options.log, ended);
  return {
    url: state.url,
    close: async () => {
      await stopSchedule();
      await server.close();
      close();
    },
  };
}

/** A reading of the clock is noted with each run, whether or not the note can be written. */
async function noteClock({ clock, report }: Service): Promise<void> {
  await clock.mark().catch((error: unknown) => report("clock", error));
}

/**
 * Runs the schedule now and then; one run at a time.
 *
 * @param ended called after each run that looked at every Factory that was due
 * @returns how to stop it
 */
function startSchedule(
  service: Service,
  every: number,
  log: ServeOptions["log"],
  ended: () => void,
): () => Promise<void> {
  const ending = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  let busy = false;
  let checked = false;
  let runs = 0;
  const sweep = async (): Promise<void> => {
    // The first run finds what a crash left.
    if (runs % SWEEP_EVERY === 0) await sweepAttempts(service);
    runs += 1;
  };
  const once = async (): Promise<void> => {
    // Before anything is tended to, so that its lines say how the databases were found.
    if (!checked) await checkStandings(service, await allFactories(service), log, ending.signal);
    checked = true;
  };
  const run = (): void => {
    if (busy) return;
    busy = true;
    running = noteClock(service)
      .then(once)
      .catch((error: unknown) => service.report("comparison with the signer", error))
      .then(() => runSchedule(service, ending.signal))
      .then(ended)
      .then(sweep)
      .catch((error: unknown) => service.report("schedule", error))
      .finally(() => {
        busy = false;
      });
  };
  const timer = setInterval(run, every);
  run();
  return async () => {
    clearInterval(timer);
    ending.abort();
    await running;
  };
}
