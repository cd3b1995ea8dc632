/** A JSON Schema in a few words, for docs/api.md. */
import { TARGET_NAME } from "../../lib/tuf/target-entries.ts";
import { FACTORY_NAME } from "../../lib/state/names.ts";
import type { JsonSchema } from "./schema.ts";

/** A line for each member, those of objects inside further in. Neighbours that are alike have one line. */
export function memberLines(schema: JsonSchema, indent = ""): readonly string[] {
  const required = (schema["required"] ?? []) as readonly string[];
  const groups: { names: string[]; told: readonly string[] }[] = [];
  for (const [name, member] of membersOf(schema)) {
    const must = required.includes(name) ? "" : " (optional)";
    const inside = inner(member).flatMap((one) => memberLines(one, `${indent}  `));
    const told = [`${must}: ${typeWords(member)}${aboutOf(member)}`, ...inside];
    const last = groups.at(-1);
    if (inside.length > 0 && last?.told.join() === told.join()) last.names.push(name);
    else groups.push({ names: [name], told });
  }
  return groups.flatMap(({ names, told: [first = "", ...inside] }) => [
    `${indent}- ${names.map((name) => `\`${name}\``).join(", ")}${first}`,
    ...inside,
  ]);
}

function membersOf(schema: JsonSchema): readonly (readonly [string, JsonSchema])[] {
  return Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>);
}

function aboutOf(schema: JsonSchema): string {
  const own =
    schema["description"] ??
    alternatives(schema).find((one) => one["description"])?.["description"];
  const fallback =
    "default" in schema ? `Unless given: \`${JSON.stringify(schema["default"])}\`.` : "";
  const words = [own, fallback].filter((text) => typeof text === "string" && text !== "");
  return words.length === 0 ? "" : `. ${words.join(" ")}`;
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  // Beside members, they say which of them must be there.
  if (schema["properties"] !== undefined) return [];
  return (schema["anyOf"] ?? schema["oneOf"] ?? []) as readonly JsonSchema[];
}

/** Objects whose members are told below. */
function inner(schema: JsonSchema): readonly JsonSchema[] {
  if (schema["properties"] !== undefined) return [schema];
  const items = schema["items"] as JsonSchema | undefined;
  const values = schema["additionalProperties"] as JsonSchema | boolean | undefined;
  const nested = [
    ...(items === undefined ? [] : [items]),
    ...(typeof values === "object" ? [values] : []),
  ];
  const choices = alternatives(schema).filter((one) => one["type"] !== "null");
  return [...nested, ...(choices.length === 1 ? choices : [])].flatMap(inner);
}

/** Forms that have a name of their own. */
const FORMS: Readonly<Record<string, string>> = {
  [FACTORY_NAME.source]: "name of a Factory",
  [TARGET_NAME.source]: "name of a target",
  "^[\\x21-\\x7e]{1,200}$": "1 to 200 printable ASCII characters without spaces",
  "^[0-9a-f]{64}$": "SHA-256 in hex",
  "^[0-9a-f]{32}$": "32 hex digits",
  "^rw_[A-Za-z0-9_-]{43}$": "a token",
};

function typeWords(schema: JsonSchema): string {
  if ("const" in schema) return code(schema["const"]);
  const choices = schema["enum"] as readonly unknown[] | undefined;
  if (choices !== undefined) return choices.map(code).join(" or ");
  const some = alternatives(schema);
  if (some.length > 0) return variants(some);
  switch (schema["type"]) {
    case "array":
      return `list of ${typeWords((schema["items"] ?? {}) as JsonSchema)}`;
    case "object":
      return isByName(schema) ? "object by name" : "object";
    case "integer":
    case "number":
      return "number";
    case "string":
      return stringWords(schema);
    case "boolean":
    case "null":
      return schema["type"];
    default:
      return "any JSON";
  }
}

/** Whether its members have a form of which something is told. */
function isByName({ additionalProperties: values }: JsonSchema): boolean {
  return typeof values === "object" && values !== null && !("$ref" in values);
}

function variants(some: readonly JsonSchema[]): string {
  const objects = some.filter(({ type }) => type === "object");
  if (objects.length > 1) {
    const told = objects.map((one) => {
      const [[tag, of] = ["", {}], ...rest] = membersOf(one);
      const names = rest.map(([name]) => `\`${name}\``).join(", ");
      return `\`${tag}\` ${typeWords(of)} with ${names}`;
    });
    return told.join("; ");
  }
  return [...new Set(some.map(typeWords))].join(" or ");
}

function stringWords(schema: JsonSchema): string {
  const { format, pattern } = schema as { readonly format?: string; readonly pattern?: string };
  if (format === "date-time") return "time";
  if (format === "email") return "e-mail address";
  if (format === "uri") return "URL";
  if (pattern === undefined) return "text";
  return FORMS[pattern] ?? `text of the form \`${pattern}\``;
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
