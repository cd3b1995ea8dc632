/**
 * The same JSON value in other bytes: white space, escapes and the order of members are the
 * writer's choice, and no signature covers them.
 */
import { canonicalize, encodeJson } from "../../../lib/tuf/canonical.ts";
import { isJsonArray, isJsonObject, jsonObject } from "../../../lib/tuf/json.ts";
import type { JsonObject, JsonValue } from "../../../lib/tuf/json.ts";
import { bytesOf } from "./root-case.ts";

const utf8 = new TextEncoder();

export type Render = (body: JsonObject) => Uint8Array;

export const RENDERINGS: Readonly<Record<string, Render>> = {
  "as JavaScript writes it": bytesOf,
  "as we serve it": encodeJson,
  "with two spaces": (body) => utf8.encode(JSON.stringify(body, null, 2)),
  "with tabs and a last newline": (body) => utf8.encode(`${JSON.stringify(body, null, "\t")}\n`),
  "with carriage returns": (body) =>
    utf8.encode(JSON.stringify(body, null, 1).replaceAll("\n", "\r\n")),
  "with members in reverse": (body) => bytesOf(reversed(body)),
  "with every letter e as an escape": asEscaped("e", "\\u0065"),
  "with escapes in capitals": asEscaped("-", "\\u002D"),
  "with escaped slashes": asEscaped("/", "\\/"),
};

/** Writes one character in another way wherever it is inside a string, and strings in no other. */
function asEscaped(character: string, escape: string): Render {
  const write = (value: JsonValue): string => {
    if (typeof value === "string") {
      const parts = value.split(character).map((part) => JSON.stringify(part).slice(1, -1));
      return `"${parts.join(escape)}"`;
    }
    if (isJsonArray(value)) return `[${value.map((item) => write(item)).join(",")}]`;
    if (!isJsonObject(value)) return JSON.stringify(value);
    const members = Object.entries(value).map(
      ([name, member]) => `${write(name)}:${write(member)}`,
    );
    return `{${members.join(",")}}`;
  };
  return (body) => utf8.encode(write(body));
}

function reversed(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value.map((item) => reversed(item));
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, reversed(member)] as const);
  return jsonObject(Object.fromEntries(members.toReversed()));
}

/** What signatures over `signed` cover, as text to change. */
export function messageOf(signed: JsonObject): string {
  return new TextDecoder().decode(canonicalize(signed, "tuf"));
}
