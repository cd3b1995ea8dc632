/**
 * Finds every check in a source file and writes the file without it: a finding that is not added, a
 * throw or a refusal that does not happen, a condition that never holds, one part of a condition
 * that is left out. Types are blanked out first, so that every place is where it is in the source.
 */
import { stripTypeScriptTypes } from "node:module";
import { parse, type Node } from "acorn";

export interface Mutant {
  readonly line: number;
  /** What becomes of what, on one line. */
  readonly change: string;
  /** The source file with that check switched off, and with it. */
  readonly source: string;
  readonly original: string;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Calls that refuse: as a statement they are left out. */
const REFUSALS = /^(?:findings\.(?:add|addAll|warn)|advise|this\.#fail|assert\w+|check\w+)\(/;

/** Every mutant of a TypeScript source, in the order of their places. */
export function mutantsOf(source: string): readonly Mutant[] {
  const code = stripTypeScriptTypes(source);
  const tree = parse(code, { ecmaVersion: "latest", sourceType: "module" });
  const edits: Edit[] = [];
  visit(tree, (node) => edits.push(...editsOf(node, code)));
  return edits
    .toSorted((a, b) => a.start - b.start || a.end - b.end)
    .map(({ start, end, text }) => ({
      line: code.slice(0, start).split("\n").length,
      change: `${oneLine(source.slice(start, end))} -> ${text === ";" ? "nothing" : oneLine(text)}`,
      // Each line stays where it is.
      source: code.slice(0, start) + text + code.slice(end),
      original: source,
    }));
}

function editsOf(node: Node & Record<string, unknown>, code: string): readonly Edit[] {
  const { start, end } = node;
  const source = code.slice(start, end);
  switch (node.type) {
    case "ThrowStatement":
      return [{ start, end, text: ";" }];
    case "ExpressionStatement":
      return REFUSALS.test(source) ? [{ start, end, text: ";" }] : [];
    case "ReturnStatement":
      // `return null` and `return false` are how the readers here say no.
      return /^return (?:null|false);/.test(source) ? [{ start, end, text: ";" }] : [];
    case "IfStatement":
    case "ConditionalExpression":
      return [replaced(node["test"] as Node, "false")];
    case "LogicalExpression": {
      const neutral = { "||": "false", "&&": "true" }[node["operator"] as string];
      if (neutral === undefined) return [];
      const left = node["left"] as Node & { operator?: string };
      // Of `a || b || c` each part is left out once.
      const parts = left.operator === node["operator"] ? [] : [left];
      return [...parts, node["right"] as Node].map((part) => replaced(part, neutral));
    }
    case "BinaryExpression": {
      // The edge of a range: `<` and `<=` are two rules.
      const other = { "<": "<=", "<=": "<", ">": ">=", ">=": ">" }[node["operator"] as string];
      if (other === undefined) return [];
      const [left, right] = [node["left"] as Node, node["right"] as Node];
      return [{ start, end, text: `${text(left, code)} ${other} ${text(right, code)}` }];
    }
    default:
      return [];
  }
}

function oneLine(code: string): string {
  return code.replaceAll(/\s+/g, " ");
}

function replaced({ start, end }: Node, value: string): Edit {
  return { start, end, text: value };
}

function text({ start, end }: Node, code: string): string {
  return code.slice(start, end);
}

function visit(value: unknown, on: (node: Node & Record<string, unknown>) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, on);
  } else if (typeof value === "object" && value !== null) {
    const node = value as Node & Record<string, unknown>;
    if (typeof node.type === "string") on(node);
    const skipped = partsWithoutChecks(node);
    for (const [name, member] of Object.entries(node)) {
      if (!skipped.includes(name)) visit(member, on);
    }
  }
}

/** How long a loop runs is no check, and an `if` that does one thing is switched off by its test. */
function partsWithoutChecks(node: Node & Record<string, unknown>): readonly string[] {
  if (node.type === "ForStatement" || node.type === "WhileStatement") return ["test"];
  if (node.type !== "IfStatement" || node["alternate"] !== null) return [];
  const consequent = node["consequent"] as Node & { body?: readonly Node[] };
  return consequent.body === undefined || consequent.body.length === 1 ? ["consequent"] : [];
}
