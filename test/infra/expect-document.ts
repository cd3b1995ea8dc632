/** Documents that a test writes: they are as the test finds them, or the test fails. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

/** @param text all of it, Markdown as prettier leaves it; UPDATE_DOCS=1 writes it */
export function expectDocument(file: string, text: string): void {
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}
