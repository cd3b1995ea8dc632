/**
 * Values as Go holds them between two JSON texts: what a struct does not name is dropped on the way
 * in, what is missing gets its zero value, and on the way out `omitempty` members vanish. Two ways
 * out: encoding/json (members in the order of the struct, HTML escaped), which is what is sent, and
 * the client's canonical JSON (members sorted, only newline, carriage return and tab escaped), which
 * is what is signed.
 */
import { GoError } from "./go-error.ts";
import { compact, escapeForHtml, readJson, type JsonNode } from "./json-reader.ts";

export type Shape =
  | { readonly is: "string" | "int" | "bool" | "time" | "bytes" | "raw" | "lower" }
  | { readonly is: "list" | "map" | "pointer"; readonly of: Shape }
  | { readonly is: "struct"; readonly fields: readonly Field[] };

export interface Field {
  readonly name: string;
  readonly shape: Shape;
  readonly omitEmpty?: true;
}

export const text: Shape = { is: "string" };
export const int: Shape = { is: "int" };
export const bool: Shape = { is: "bool" };
/** time.Time: RFC 3339 in and out. */
export const time: Shape = { is: "time" };
/** []byte: standard base64. */
export const bytes: Shape = { is: "bytes" };
/** json.RawMessage: held as text. */
export const raw: Shape = { is: "raw" };
/** A string that is turned to lower case when read. */
export const lower: Shape = { is: "lower" };
export const list = (of: Shape): Shape => ({ is: "list", of });
export const map = (of: Shape): Shape => ({ is: "map", of });
export const pointer = (of: Shape): Shape => ({ is: "pointer", of });
export const struct = (...fields: readonly Field[]): Shape => ({ is: "struct", fields });
export const field = (name: string, shape: Shape): Field => ({ name, shape });
export const optional = (name: string, shape: Shape): Field => ({ name, shape, omitEmpty: true });

type Members = Readonly<Record<string, unknown>>;

/** @throws GoError for what is no JSON or does not fit */
export function decode(shape: Shape, source: string): unknown {
  return decodeNode(shape, readJson(source));
}

function decodeNode(shape: Shape, node: JsonNode): unknown {
  if (shape.is === "raw") return node.raw;
  if (node.kind === "null") return zero(shape);
  switch (shape.is) {
    case "pointer":
      return decodeNode(shape.of, node);
    case "list":
      if (node.kind !== "array") return mismatch(shape, node);
      return node.items.map((item) => decodeNode(shape.of, item));
    case "map":
      if (node.kind !== "object") return mismatch(shape, node);
      return Object.fromEntries(
        node.members.map(([name, value]) => [name, decodeNode(shape.of, value)]),
      );
    case "struct":
      if (node.kind !== "object") return mismatch(shape, node);
      return decodeStruct(shape.fields, node.members);
    case "bool":
      return node.kind === "bool" ? node.raw === "true" : mismatch(shape, node);
    case "int":
      return /^-?\d+$/.test(node.raw) ? Number(node.raw) : mismatch(shape, node);
    case "string":
    case "lower":
    case "bytes":
    case "time":
      return node.kind === "string" ? decodeText(shape, node.text) : mismatch(shape, node);
  }
}

/** A member's name is matched exactly, else whatever its case is. */
function decodeStruct(
  fields: readonly Field[],
  members: readonly (readonly [string, JsonNode])[],
): Members {
  const find = (name: string): JsonNode | undefined =>
    (members.findLast(([own]) => own === name) ??
      members.findLast(([own]) => own.toLowerCase() === name.toLowerCase()))?.[1];
  return Object.fromEntries(
    fields.map(({ name, shape }) => {
      const node = find(name);
      return [name, node === undefined ? zero(shape) : decodeNode(shape, node)];
    }),
  );
}

function decodeText(shape: Shape, value: string): string {
  if (shape.is === "lower") return value.toLowerCase();
  if (shape.is === "bytes") {
    const standard = Buffer.from(value, "base64").toString("base64");
    if (standard !== value) throw new GoError("illegal base64 data");
    return value;
  }
  if (shape.is !== "time") return value;
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(value);
  if (parts === null) throw new GoError(`parsing time "${value}" as RFC 3339`);
  const [, seconds = "", fraction = "", zone = ""] = parts;
  return seconds + fraction.replace(/\.?0+$/, "") + (/^.00:00$/.test(zone) ? "Z" : zone);
}

function mismatch(shape: Shape, node: JsonNode): never {
  throw new GoError(`json: cannot unmarshal ${node.kind} into Go value of type ${shape.is}`);
}

function zero(shape: Shape): unknown {
  switch (shape.is) {
    case "string":
    case "lower":
      return "";
    case "int":
      return 0;
    case "bool":
      return false;
    case "time":
      return "0001-01-01T00:00:00Z";
    case "struct":
      return decodeStruct(shape.fields, []);
    case "bytes":
    case "raw":
    case "list":
    case "map":
    case "pointer":
      return null;
  }
}

/** As encoding/json writes it. */
export function encode(shape: Shape, value: unknown): string {
  return write(shape, value, goString, (fields) => fields);
}

/** As the client signs it. */
export function canonical(shape: Shape, value: unknown): string {
  return write(shape, value, canonicalString, (fields) =>
    fields.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

function write(
  shape: Shape,
  value: unknown,
  quote: (value: string) => string,
  order: (fields: readonly Field[]) => readonly Field[],
): string {
  const inner = (of: Shape, item: unknown): string => write(of, item, quote, order);
  if (value === null || value === undefined) return "null";
  switch (shape.is) {
    case "pointer":
      return inner(shape.of, value);
    case "list":
      return `[${(value as readonly unknown[]).map((item) => inner(shape.of, item)).join()}]`;
    case "map": {
      const members = Object.entries(value as Members).sort(([a], [b]) => (a < b ? -1 : 1));
      return `{${members.map(([name, item]) => `${quote(name)}:${inner(shape.of, item)}`).join()}}`;
    }
    case "struct": {
      const all = value as Members;
      const shown = order(shape.fields).filter(
        ({ name, omitEmpty }) => omitEmpty !== true || !isEmpty(all[name]),
      );
      const written = shown.map(({ name, shape: of }) => `${quote(name)}:${inner(of, all[name])}`);
      return `{${written.join()}}`;
    }
    case "raw":
      return compact(value as string);
    case "int":
    case "bool":
      return JSON.stringify(value);
    case "time":
      return `"${value as string}"`;
    case "string":
    case "lower":
    case "bytes":
      return quote(value as string);
  }
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === 0) return true;
  if (value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** A string of encoding/json. */
function goString(value: string): string {
  return escapeForHtml(JSON.stringify(value));
}

function canonicalString(value: string): string {
  const slashed = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${slashed.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;
}
