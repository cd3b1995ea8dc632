/** The description in lib/api for people: docs/api.md. */
import { OPERATIONS, RESOURCES } from "../../lib/api/api.ts";
import type { Operation, Parameter } from "../../lib/api/operation.ts";
import { PARTS } from "../../lib/api/path.ts";
import { refusal, refusalsOf } from "../../lib/api/refusals.ts";
import { STATUS } from "../../lib/api/status.ts";
import type { ErrorCode } from "../../lib/error.ts";
import { ACCESS } from "./openapi.ts";
import { jsonSchema } from "./schema.ts";
import { memberLines } from "./words.ts";

/** Every operation can answer these. */
const COMMON = (Object.keys(STATUS) as ErrorCode[]).filter((code) =>
  OPERATIONS.every((operation) => refusalsOf(operation).includes(code)),
);

export function markdown(): string {
  return [
    INTRODUCTION,
    table(
      ["operation", "request", "access", "fioctl"],
      OPERATIONS.map(({ id, title, method, path, access, fioctl }) => [
        `[${title}](#${id.toLowerCase()})`,
        `\`${method} ${path}\``,
        access,
        fioctl ? "yes" : "",
      ]),
    ),
    RULES,
    `Every operation can answer ${codes(COMMON)}. An error is an object with:`,
    memberLines(jsonSchema(refusal)).join("\n"),
    ...RESOURCES.flatMap(({ name, operations }) => [`## ${name}`, ...operations.flatMap(section)]),
  ].join("\n\n");
}

const INTRODUCTION = `# The HTTP API

\`npm run api\` writes this file and [openapi.yaml](openapi.yaml) from \`lib/api\`: change them there. A test compares
them with the code, and the tests hold every request and answer to the description.

The column *access* names the scope that the token must have. [fioctl](fioctl.md) sends the marked requests as well;
their paths and shapes belong to it.`;

const ACCESS_LINES = Object.entries(ACCESS)
  .map(([name, words]) => `- *${name}*: ${words}.`)
  .join("\n");

const RULES = `## Rules of every request

A token goes into the header \`OSF-TOKEN\`, or into \`Authorization\` as a bearer token. Access:

${ACCESS_LINES}

The operator's token has every scope.

Paths have one spelling. The final slash counts, and nothing is encoded. A query names each parameter once. A body is
JSON with \`Content-Type: application/json\`, and a member that is not listed here is refused. Answers can get further
members: ignore those that you do not know. Times have the form \`YYYY-MM-DDTHH:MM:SSZ\`.

Parts of paths:

${Object.entries(PARTS)
  .map(([name, { form, about }]) => `- \`{${name}}\`: ${about} Form: \`${form.source}\`.`)
  .join("\n")}

## Errors

Programs decide by \`code\`; \`message\` is for people. An answer with 423 or 503 has \`Retry-After\`: send the same
request again after so many seconds.`;

function section(operation: Operation): readonly string[] {
  const { id, title, about, method, path, access, fioctl, query, headers } = operation;
  const body = operation.accepted ?? operation.body;
  const own = refusalsOf(operation).filter((code) => !COMMON.includes(code));
  return [
    `### ${id}`,
    `\`${method} ${path}\``,
    `${title}.${about === undefined ? "" : ` ${about}`}${fioctl ? " fioctl asks this." : ""}`,
    `Access: ${ACCESS[access]}.`,
    ...parameters("Query", query),
    ...parameters("Header", headers),
    ...(body === undefined ? [] : ["Body:", members(body, "any JSON object")]),
    ...answers(operation),
    ...(own.length === 0 ? [] : [`Errors: ${codes(own)}.`]),
  ];
}

function parameters(
  kind: string,
  named: Readonly<Record<string, Parameter>> = {},
): readonly string[] {
  return Object.entries(named).map(
    ([name, { about, expected }]) => `${kind} \`${name}\` (optional; ${expected}): ${about}`,
  );
}

function answers({ answer, answers: by }: Operation): readonly string[] {
  const lines = Object.entries(by).map(([status, words]) => `- ${status}: ${words}`);
  const told = ["Answers:", lines.join("\n")];
  if (answer === null) return told;
  if ("media" in answer) return [...told, `The answer is \`${answer.media}\`.`];
  return [
    ...told,
    "The answer has:",
    members(answer, "nothing that this API describes").replaceAll(/\.? Unless given: `.*`\./g, ""),
  ];
}

function members(schema: Parameters<typeof jsonSchema>[0], none: string): string {
  const lines = memberLines(jsonSchema(schema));
  return lines.length === 0 ? `- ${none}` : lines.join("\n");
}

function codes(list: readonly ErrorCode[]): string {
  return list.map((code) => `${STATUS[code]} \`${code}\``).join(", ");
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [row(heads), row(heads.map(() => "---")), ...rows.map(row)].join("\n");
}
