/** The refusal of a root, with every finding: in words for people, with codes for programs. */
import { RootwardError } from "../../error.ts";
import type { Finding } from "../../tuf/findings.ts";

/** @param what what is refused, such as `root for acme ci` */
export function rootRefused(what: string, errors: readonly Finding[]): RootwardError {
  const count = errors.length === 1 ? "1 finding" : `${errors.length} findings`;
  return new RootwardError("root-refused", `${what} refused: ${count}`, {
    errors: errors.map(({ message }) => message),
    issues: errors,
  });
}
