/** docs/openapi.yaml and docs/api.md are what lib/api says: `npm run api` writes them. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { OPERATIONS } from "../../lib/api/api.ts";
import { PARTS, partsOf } from "../../lib/api/path.ts";
import { refusalsOf } from "../../lib/api/refusals.ts";
import { STATUS } from "../../lib/api/status.ts";
import { documents } from "../../tools/api/documents.ts";

const written = await documents();

test.each(written.map(({ file, text }) => [basename(file), file, text] as const))(
  "%s is as it was written",
  (_, file, text) => {
    expect(readFileSync(file, "utf8")).toBe(text);
  },
);

test.each(OPERATIONS)("$id can be described", (operation) => {
  const { path, answers, answer } = operation;
  expect(partsOf(path).filter((name) => !Object.hasOwn(PARTS, name))).toEqual([]);
  expect(Object.keys(answers)).not.toEqual([]);
  // Nothing that only an owner's machine finds, and no error that is shown as another.
  const ours = refusalsOf(operation).filter((code) => STATUS[code] === 500);
  expect(ours).toEqual(["internal"]);
  const bare = Object.keys(answers).every((status) => status === "204" || status === "304");
  expect(answer === null).toBe(bare);
});
