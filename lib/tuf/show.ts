/** Values from outside as messages may show them: short, no secret, no control characters. */
import { isJsonArray, isJsonObject, type JsonValue } from "./json.ts";
import { holdsPrivateKey } from "./private-key.ts";

export function show(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string" && holdsPrivateKey(value)) return "a private key";
  if (isJsonObject(value)) return "an object";
  if (isJsonArray(value)) return "a list";
  const text = JSON.stringify(value).replace(/[^ -~]/g, "?");
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** The first few of a list, and how many there are beyond them. */
export function showSome(list: readonly string[], some = 3): string {
  const shown = list.slice(0, some).map((name) => show(name));
  return shown.join(", ") + (list.length > some ? ` and ${list.length - some} more` : "");
}
