/**
 * Paths are exact: each route is reached by one spelling. Characters that a program decodes (`%6f`),
 * resolves (`..`, `\`) or takes for something else (`//`, `;`, a whole URL) could mean one path to a proxy
 * that filters and another here. A path with such a character is refused, and no route of ours has one.
 */
import { RootwardError } from "../error.ts";
import { MAX_TARGET_LENGTH } from "./limits.ts";

const PATH = /^(?:\/[A-Za-z0-9._-]*)+$/;

/**
 * @param target of a request line
 * @throws RootwardError `uri-too-long`, `malformed` for what is no path (RFC 9112 3.2.2 to 3.2.4),
 *   `not-found` for a path that no route can have
 */
export function assertExactTarget(target: string): void {
  if (target.length > MAX_TARGET_LENGTH) {
    throw new RootwardError(
      "uri-too-long",
      `path and query are too long: expected at most ${MAX_TARGET_LENGTH} characters`,
    );
  }
  if (!target.startsWith("/")) {
    throw new RootwardError(
      "malformed",
      "the request names no path: expected one that begins with /",
    );
  }
  if (isExactPath(target.split("?", 1)[0] ?? "")) return;
  throw new RootwardError(
    "not-found",
    "no such path: paths are exact, without %, empty parts, . and ..",
  );
}

/** Whether a route can have this path. */
export function isExactPath(path: string): boolean {
  return PATH.test(path) && !path.includes("//") && !/\/\.\.?(?:\/|$)/.test(path);
}
