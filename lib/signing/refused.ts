/** The refusal of the signing boundary; facts are for the service alone. */
import { RootwardError } from "../error.ts";

export function refused(message: string, facts: Readonly<Record<string, number | string>> = {}) {
  return new RootwardError("signing-refused", message, { facts });
}
