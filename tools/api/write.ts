/** `npm run api`: writes docs/openapi.yaml and docs/api.md from lib/api. */
import { writeFileSync } from "node:fs";
import { documents } from "./documents.ts";

for (const { file, text } of await documents()) {
  writeFileSync(file, text);
  console.log(`wrote ${file}`);
}
