/**
 * The options of every AWS client. A connection that never answers would hold a function until it is ended
 * from outside, with whatever it had begun; so each has an end of its own, and counts as an unknown
 * outcome. The SDK repeats what failed; the requests that must not be repeated behind their caller's back
 * are sent otherwise (once.ts), whatever is set here.
 */

/** In milliseconds, up to the head of the answer. A caller waits half a minute for all of it. */
const CONNECTION_TIMEOUT = 1000;
const REQUEST_TIMEOUT = 5000;

export interface ClientOptions {
  readonly endpoint?: string;
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: true;
  };
}

/** @param endpoint of an emulator; AWS's own unless given */
export function clientOptions(endpoint?: string): ClientOptions {
  return {
    ...(endpoint !== undefined && { endpoint }),
    maxAttempts: 4,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      throwOnRequestTimeout: true,
    },
  };
}
