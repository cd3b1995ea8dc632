/** The two documents that are written from lib/api, as prettier leaves them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { stringify } from "yaml";
import { markdown } from "./markdown.ts";
import { openApi } from "./openapi.ts";

const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export interface Document {
  readonly file: string;
  readonly text: string;
}

export async function documents(): Promise<readonly Document[]> {
  const { version } = JSON.parse(readFileSync(place("package.json"), "utf8")) as {
    version: string;
  };
  const yaml = stringify(openApi(version), { aliasDuplicateObjects: false, lineWidth: 100 });
  return [
    {
      file: place("docs/openapi.yaml"),
      text: await format(yaml, { parser: "yaml", printWidth: 100 }),
    },
    {
      file: place("docs/api.md"),
      text: await format(markdown(), { parser: "markdown", proseWrap: "always", printWidth: 110 }),
    },
  ];
}
