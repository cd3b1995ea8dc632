/**
 * The bytes that fioctl signs of a targets document. It decodes what it was served into structs, which
 * drops every member that they do not name, and writes the rest in its canonical form: members sorted,
 * only newline, carriage return and tab escaped. `custom` keeps its order and spelling, without white
 * space, and with `<`, `>` and `&` escaped. Production targets are not served yet, so no recording
 * shows this; it shares nothing with lib/tuf.
 */
import { compact, readJson, type JsonNode } from "./json-reader.ts";

/** @throws for a document that does not have the members of the ats dialect */
export function signedByFioctl(served: string): string {
  const document = membersOf(readJson(served));
  const targets = [...membersOf(document.get("targets"))].map(
    ([name, entry]) => [name, targetText(membersOf(entry))] as const,
  );
  return objectText([
    ["_type", scalarText(document.get("_type"))],
    ["expires", scalarText(document.get("expires"))],
    ["version", scalarText(document.get("version"))],
    ["targets", objectText(targets)],
  ]);
}

function targetText(entry: ReadonlyMap<string, JsonNode>): string {
  const hashes = [...membersOf(entry.get("hashes"))].map(
    ([name, hash]) => [name, scalarText(hash)] as const,
  );
  const custom = entry.get("custom");
  return objectText([
    ["length", scalarText(entry.get("length"))],
    ["hashes", objectText(hashes)],
    ...(custom === undefined ? [] : [["custom", compact(custom.raw)] as const]),
  ]);
}

/** Of a name that is there twice, the last one counts. */
function membersOf(node: JsonNode | undefined): ReadonlyMap<string, JsonNode> {
  if (node?.kind !== "object") throw new Error(`expected an object, got ${node?.raw ?? "nothing"}`);
  return new Map(node.members);
}

function scalarText(node: JsonNode | undefined): string {
  if (node?.kind === "string") return quoted(node.text);
  if (node?.kind === "number" && /^-?\d+$/.test(node.raw)) return String(Number(node.raw));
  throw new Error(`expected a string or an integer, got ${node?.raw ?? "nothing"}`);
}

function objectText(members: readonly (readonly [string, string])[]): string {
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, text]) => `${quoted(name)}:${text}`).join()}}`;
}

function quoted(value: string): string {
  const slashed = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${slashed.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;
}
