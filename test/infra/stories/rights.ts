/**
 * What each function may do, and which story needed it: docs/rights.md is written from what the stories
 * before this one called. A right that no story needed has its reason here, or goes.
 */
import { expect, test } from "vitest";
import { FUNCTIONS } from "../../../lib/settings.ts";
import type { Right } from "../../support/deployed/policies.ts";
import { expectDocument } from "../expect-document.ts";
import type { Installation } from "./installation.ts";

const LOGS = "Lambda itself does this with the function's rights: nothing is called";
const LONG_ROOTS =
  "a root of more than 256 KB, which only one with very many keys is, when a root update starts";

const UNUSED: Readonly<Record<string, string>> = {
  "logs:CreateLogStream": LOGS,
  "logs:PutLogEvents": LOGS,
  "deliver s3:GetObject on Documents/documents/*": LONG_ROOTS,
  "deliver s3:PutObject on Documents/documents/*": LONG_ROOTS,
};

export function tellRights(one: Installation): void {
  const { shown } = namesOf(one);
  const text = (right: Right): string => `${right.by} ${right.action} on ${shown(right)}`;
  const reason = (right: Right): string | undefined => UNUSED[text(right)] ?? UNUSED[right.action];

  test("no function did what its role does not allow", () => {
    expect(one.aws.refused).toEqual([]);
  });

  test("every right was needed by a story, or has a reason; docs/rights.md says so", () => {
    const { policies } = one.aws;
    const unused = policies.rights.filter((right) => !policies.isUsed(right));
    expect(unused.filter((right) => reason(right) === undefined).map(text)).toEqual([]);
    const needed = policies.rights.filter((right) => policies.isUsed(right));
    expect(needed.filter((right) => reason(right) !== undefined).map(text)).toEqual([]);
    // Only a whole run may write it.
    const row = (right: Right): string => {
      const found = policies.isUsed(right) ? "needed" : (reason(right) ?? "");
      return `| ${right.action} | \`${shown(right)}\` | ${conditionText(right)} | ${found} |`;
    };
    const parts = FUNCTIONS.map((name) => {
      const own = policies.rights.filter(({ by }) => by === name).map(row);
      return [`## ${name}`, "", HEAD, LINE, ...own.toSorted(), ""].join("\n");
    });
    expectDocument("docs/rights.md", [INTRODUCTION, ...parts].join("\n"));
  });
}

const HEAD = "| action | on | if | in the stories |";
const LINE = "|---|---|---|---|";
const INTRODUCTION = `# Rights

The rights of each function of the AWS form, as the synthesised templates give them, and whether the stories of
\`test/infra/chain.test.ts\` needed them. Each call of an SDK in them was held to the policies of the role
and, for keys and buckets, of the resource. Written by that test; \`UPDATE_DOCS=1 npm test -- chain\` writes
it again. Why rights are dealt out so is in \`lib/infra/rights.ts\`.
`;

function namesOf(one: Installation) {
  return { shown: ({ resource }: Right): string => one.aws.cloud.shown(resource) };
}

function conditionText({ condition }: Right): string {
  return Object.entries(condition)
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(
        ([key, values]) => `${key} ${operator} ${[values].flat().join(", ")}`,
      ),
    )
    .join("; ");
}
