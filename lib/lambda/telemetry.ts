/**
 * The functions' reports to operators: a line for each error, and numbers that alarms watch. Events are
 * never logged: they hold tokens, and the ids of links.
 */
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Report } from "../service/ports.ts";
import { sparing } from "../service/reporting.ts";

export const logger = new Logger();
const metrics = new Metrics();

const write = sparing((what, error) => {
  logger.error(what, Error.isError(error) ? error : new Error(String(error)));
}, Date.now);

/**
 * An error that nobody waits for, or of which the caller is told nothing. The log has a line of a kind in a
 * minute; alarms count every one.
 */
export const report: Report = (what, error, kind) => {
  write(what, error, kind);
  count("Problem", 1);
};

export function count(name: string, value: number): void {
  metrics.addMetric(name, MetricUnit.Count, value);
}

/** Once an invocation, with whatever became of it. */
export function flush(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
