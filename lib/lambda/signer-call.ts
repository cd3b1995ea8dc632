/**
 * Asking the signer: one invocation for each question. It is sent once: a question that was answered
 * while the answer was lost must not be asked again behind the asker's back, since a version that was
 * signed is signed no more.
 */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { clientOptions } from "../adapters/aws/clients.ts";
import { RootwardError } from "../error.ts";
import type { Call } from "../signing/remote.ts";
import { report } from "./telemetry.ts";

/** Milliseconds. An RSA key takes seconds; the gateway gives up after 30. */
const ANSWER_WITHIN = 25_000;

/** @param name the signer's ARN */
export function invoking(name: string): Call {
  const { requestHandler } = clientOptions();
  const lambda = new LambdaClient({
    // A connection that was kept while this function slept is dead, and its question would be lost.
    requestHandler: {
      ...requestHandler,
      requestTimeout: ANSWER_WITHIN,
      httpsAgent: { keepAlive: false },
    },
    maxAttempts: 1,
  });
  return async (request) => {
    const command = new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(request) });
    const { FunctionError: failed, Payload: payload } = await lambda.send(command).catch(away);
    if (failed !== undefined) away(failed);
    return JSON.parse(payload?.transformToString() ?? "null") as unknown;
  };
}

/** The request may have been done or not. */
function away(cause: unknown): never {
  report("invoking the signer", cause);
  throw new RootwardError("unavailable", "the signer does not answer");
}
