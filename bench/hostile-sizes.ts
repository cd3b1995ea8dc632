/**
 * The cost of hostile bodies (rule 1): each shape at the limit against the same shape at half of it, which
 * is 2 where the work is linear, 4 where it is quadratic, and less where it stops early. That none of them
 * takes long is shown by the fuzz target. A refused publication comes last: as many bad entries as fit into
 * a request against JSON.parse of the same text.
 *
 *   npm run bench:sizes [-- TURNS]
 */
import { DIALECTS, firstChannel, rootLimits } from "../lib/tuf/dialect.ts";
import { isRootwardError } from "../lib/error.ts";
import { isJsonObject, parseJson } from "../lib/tuf/json.ts";
import { ENTRIES_LIMITS, judgeTargetEntries } from "../lib/tuf/target-entries.ts";
import { verifySubmittedRoot } from "../lib/tuf/submitted-root.ts";
import { HOSTILE_SHAPES } from "../test/support/tuf/hostile-sizes.ts";
import { rootUpdate, signRoot, testFactory } from "../test/support/tuf/test-factory.ts";
import { compare, contender, show } from "./measure.ts";

const turns = Number(process.argv[2] ?? 20);
console.log(
  "each figure: the body at the limit against one of half the length (aim: below 3), and",
);
console.log(`against JSON.parse of as many bytes of text; median of ${turns} turns\n`);
for (const dialect of DIALECTS) {
  const factory = testFactory(dialect, firstChannel(dialect));
  const { a, b, d } = factory.parties;
  const body = signRoot(factory.next, dialect, [a, b, d]);
  const limits = rootLimits(dialect);
  const update = rootUpdate(factory, null);
  const refuse = (bytes: Uint8Array) => (): void => {
    try {
      verifySubmittedRoot({ ...update, submitted: parseJson(bytes, limits) }, () => false);
    } catch (error) {
      if (!isRootwardError(error)) throw error;
    }
  };
  for (const { name, make } of HOSTILE_SHAPES) {
    const [whole, half] = [limits.maxBytes, limits.maxBytes / 2].map((length) =>
      make(body, dialect, Math.floor(length)),
    );
    if (whole === undefined || half === undefined) continue;
    const [linear] = compare([contender("half", refuse(half)), contender("whole", refuse(whole))], {
      turns,
      runs: 2,
    });
    if (linear !== undefined) console.log(`${dialect}  ${name}: ${show(linear)}`);
  }
}

for (const count of [75_000, 299_000]) {
  const text = `{${Array.from({ length: count }, (_, i) => `"/${i.toString(36)}":0`).join()}}`;
  const bytes = new TextEncoder().encode(text);
  const refuse = (): void => {
    try {
      const entries = parseJson(bytes, ENTRIES_LIMITS);
      if (isJsonObject(entries)) judgeTargetEntries(entries, "ats");
    } catch (error) {
      if (!isRootwardError(error)) throw error;
    }
  };
  const floor = contender("JSON.parse", () => void JSON.parse(text));
  const [ratio] = compare([floor, contender("refused", refuse)], { turns, runs: 1 });
  if (ratio !== undefined) console.log(`a publication of ${count} bad entries: ${show(ratio)}`);
}
