/**
 * JSON read so that the source of every value stays at hand: Go's json.RawMessage keeps bytes as they
 * came, numbers are told apart by their spelling, and members keep their order.
 */

export type JsonNode = { readonly raw: string } & (
  | { readonly kind: "object"; readonly members: readonly (readonly [string, JsonNode])[] }
  | { readonly kind: "array"; readonly items: readonly JsonNode[] }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "number" | "bool" | "null" }
);

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;
const SPACE_OR_STRING = /"(?:[^"\\]|\\.)*"|\s+/g;

/** @throws Error as encoding/json words it, roughly */
export function readJson(text: string): JsonNode {
  try {
    JSON.parse(text);
  } catch {
    const [first] = text.trimStart();
    throw new Error(
      first === undefined
        ? "unexpected end of JSON input"
        : `invalid character '${first}' looking for beginning of value`,
    );
  }
  // From here on the text is known to be JSON, so the walk need not look for mistakes.
  const tokens = [...text.matchAll(TOKEN)].map(({ 0: token, index }) => ({ token, index }));
  const state = { next: 0 };
  const take = (): { readonly token: string; readonly index: number } => {
    const token = tokens[state.next];
    if (token === undefined) throw new Error("unexpected end of JSON input");
    state.next += 1;
    return token;
  };
  const value = (): JsonNode => {
    const { token, index } = take();
    if (token !== "{" && token !== "[") return scalar(token);
    const members: (readonly [string, JsonNode])[] = [];
    const items: JsonNode[] = [];
    for (;;) {
      const peek = tokens[state.next]?.token;
      if (peek === "}" || peek === "]") {
        const raw = text.slice(index, take().index + 1);
        return token === "{" ? { kind: "object", raw, members } : { kind: "array", raw, items };
      }
      if (peek === ",") take();
      if (token === "[") items.push(value());
      else members.push(member(take().token));
    }
  };
  const member = (name: string): readonly [string, JsonNode] => {
    take(); // the colon
    return [JSON.parse(name) as string, value()];
  };
  return value();
}

function scalar(raw: string): JsonNode {
  if (raw.startsWith('"')) return { kind: "string", raw, text: JSON.parse(raw) as string };
  if (raw === "null") return { kind: "null", raw };
  return { kind: raw === "true" || raw === "false" ? "bool" : "number", raw };
}

/** Without white space, and with `<`, `>`, `&` and two line separators escaped, as Go compacts. */
export function compact(raw: string): string {
  const dense = raw.replace(SPACE_OR_STRING, (part) => (part.startsWith('"') ? part : ""));
  return escapeForHtml(dense);
}

function escapeForHtml(text: string): string {
  return text.replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
