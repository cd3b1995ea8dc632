/**
 * `npm run check:words [-- PATH...]`: holds comments and docs to plain English. Without a path it looks at those
 * that are clean already (CLEAN), which stay so; with paths it looks at whatever is named. `--count` prints
 * numbers by folder.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { argv, cwd } from "node:process";
import { CLEAN, EXCEPTIONS } from "./clean.ts";
import { offencesOf, type Offence } from "./rules.ts";
import { sentencesOf } from "./sentences.ts";

const args = argv.slice(2).filter((arg) => arg !== "--count");
const found = (args.length > 0 ? args : CLEAN)
  .flatMap(filesIn)
  .flatMap((file) => offencesIn(file).map((offence) => ({ file, ...offence })));
if (argv.includes("--count")) {
  const counts = Object.entries(Object.groupBy(found, ({ file }) => dirname(file)));
  for (const [folder, all = []] of counts) console.log(`${all.length}\t${folder}`);
} else {
  for (const { file, line, rule, text } of found) {
    console.error(`${file}:${line}: ${rule}\n    ${text}`);
  }
}
if (found.length > 0) {
  console.error(`${found.length} sentences are to be rewritten`);
  process.exitCode = 1;
}

function filesIn(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .map((name) => relative(cwd(), join(path, name)))
    .filter((name) => /\.(?:ts|md)$/.test(name) && !name.includes("node_modules"));
}

function offencesIn(file: string): readonly Offence[] {
  const sentences = sentencesOf(file, readFileSync(file, "utf8"));
  const excepted = EXCEPTIONS[file] ?? [];
  return offencesOf(sentences, file.endsWith(".md")).filter(
    ({ text }) => !excepted.some((one) => text.includes(one)),
  );
}
