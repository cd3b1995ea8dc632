/**
 * Requests that are sent once. The SDK repeats what it got no answer to, and says nothing of it. A
 * swap that was applied while its answer was lost would then meet its own revision, and its `false`
 * would mean that somebody else was faster: the caller decides again, and the change is there twice.
 * So such a request fails instead, and service/commit.ts, which knows that it repeats, finds out. A
 * mail with a link would be there twice too, and is sent again by nobody; and a key in KMS would be there
 * twice, one of them named by nothing.
 *
 * Requests that may be applied twice (put-if-absent of immutable items, deletes, reads) are left to the
 * SDK.
 */

interface Sendable {
  readonly middlewareStack: {
    add(
      middleware: <Next>(next: Next) => Next,
      options: { name: string; step: "finalizeRequest"; priority: "high"; override: true },
    ): void;
  };
}

/**
 * Takes the SDK's repetition out of one command, whatever its client is set to. The name is the
 * SDK's; a version that has another one fails the tests of lost answers.
 */
export function once<Command extends Sendable>(command: Command): Command {
  command.middlewareStack.add((next) => next, {
    name: "retryMiddleware",
    step: "finalizeRequest",
    priority: "high",
    override: true,
  });
  return command;
}
