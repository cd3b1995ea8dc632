/**
 * `npm run interop [-- NAME...]`: compares us with clients and tools in other languages. All suites but slow
 * ones run unless some are named; with `--all` those run, too. A missing tool is a failure; with
 * `--skip-missing` the suite is left out, and that is said.
 *
 * `--cases 20000 --seed 7`: more random cases, and others.
 */
import { argv } from "node:process";
import { parseArgs } from "node:util";
import { ATS_VERIFIER } from "./ats-verifier/suite.ts";
import { CFN_LINT } from "./cfn-lint/suite.ts";
import { FIOCTL } from "./fioctl/suite.ts";
import { GO_TUF, GO_TUF_0_7 } from "./go-tuf/suite.ts";
import { PYTHON_TUF } from "./python-tuf/suite.ts";
import { PYTHON_TUF_CLIENT } from "./python-tuf-client/suite.ts";
import { SCHEMATHESIS } from "./schemathesis/suite.ts";
import { TOUGH } from "./tough/suite.ts";
import { missingTools, type Suite, type SuiteOptions } from "./suite.ts";

const SUITES: readonly Suite[] = [
  PYTHON_TUF,
  PYTHON_TUF_CLIENT,
  GO_TUF,
  GO_TUF_0_7,
  TOUGH,
  ATS_VERIFIER,
  CFN_LINT,
  SCHEMATHESIS,
  FIOCTL,
];

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  allowPositionals: true,
  options: {
    "skip-missing": { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    cases: { type: "string", default: "1000" },
    seed: { type: "string", default: "2026" },
  },
});

const options: SuiteOptions = {
  cases: Number(values.cases),
  seed: Number(values.seed),
  say: (line) => console.log(line),
};

for (const suite of chosen()) {
  if (!(await passes(suite))) process.exitCode = 1;
}

function chosen(): readonly Suite[] {
  const known = SUITES.map(({ name }) => name);
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`no suite ${unknown.join(", ")}; there is ${known.join(", ")}`);
    process.exitCode = 1;
    return [];
  }
  const named = SUITES.filter(({ name }) => positionals.includes(name));
  return named.length > 0 ? named : SUITES;
}

async function passes(suite: Suite): Promise<boolean> {
  if (suite.slow === true && !values.all && !positionals.includes(suite.name)) {
    console.log(`skipped: ${suite.name}, which is slow. To run it: npm run interop -- --all`);
    return true;
  }
  if (typeof suite.skipped === "string") {
    console.log(`skipped: ${suite.name}. ${suite.skipped}`);
    return true;
  }
  const missing = missingTools(suite).join(", ");
  if (missing !== "") {
    console.log(
      `${values["skip-missing"] ? "skipped" : "failed"}: ${suite.name}, since ${missing} is not here`,
    );
    return values["skip-missing"];
  }
  // A failed installation, or a crash, fails its own suite and no other.
  const problems = await suite.run(options).catch((error: unknown) => [String(error)]);
  for (const problem of problems) console.error(`${suite.name}: ${problem}`);
  console.log(`${problems.length === 0 ? "passed" : "failed"}: ${suite.name}`);
  return problems.length === 0;
}
