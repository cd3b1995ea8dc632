/**
 * The frame of every function: a logger that knows the invocation, metrics that are written at its end, and
 * a last resort for uncaught errors, which gives the caller no details.
 */
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import wrap, { type MiddlewareObj } from "@middy/core";
import { answering, errorResult, type GatewayEvent, type GatewayResult } from "./gateway.ts";
import { flush, logger, report } from "./telemetry.ts";

/** The part of an invocation that this code uses. */
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

/**
 * A function that is invoked otherwise. Its errors count as failed invocations, and carry no details.
 */
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
