/**
 * What is around every function: a logger that knows the invocation, metrics that are written at its
 * end, and a last resort for errors that got past everything, which says nothing to whoever called.
 */
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import wrap, { type MiddlewareObj } from "@middy/core";
import { answering, errorResult, type GatewayEvent, type GatewayResult } from "./gateway.ts";
import { flush, logger, report } from "./telemetry.ts";

/** What this code knows of an invocation. */
export interface Invocation {
  getRemainingTimeInMillis(): number;
}

/** Refuses an event before anything is made of it; null lets it pass. */
export type Guard = (event: GatewayEvent) => GatewayResult | null;

/** A function that the HTTP API invokes. */
export function httpHandler(app: Parameters<typeof answering>[0], guard: Guard = () => null) {
  const answer = answering(app);
  return wrapped<GatewayEvent, GatewayResult>(
    async (event) => guard(event) ?? (await answer(event)),
    () => errorResult("internal", "internal error"),
  );
}

/** A function that is invoked otherwise. What it throws counts as a failed invocation, and says nothing. */
export function plainHandler<Event, Result>(
  handle: (event: Event, invocation: Invocation) => Promise<Result>,
) {
  return wrapped(handle, () => {
    throw new Error("internal error");
  });
}

function wrapped<Event, Result>(
  handle: (event: Event, invocation: Invocation) => Promise<Result>,
  lastResort: () => Result,
) {
  const around: MiddlewareObj<Event, Result> = {
    after: flush,
    onError: (request) => {
      report("unhandled", request.error);
      flush();
      request.response = lastResort();
    },
  };
  return wrap<Event, Result>()
    .use(injectLambdaContext(logger))
    .use(around)
    .handler((event: Event, context: Invocation) => handle(event, context));
}
