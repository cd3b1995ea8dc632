/**
 * The synthesised templates against AWS's own schemas: every property, type and value of every resource, by
 * cfn-lint. A deployment would find the same, after minutes and halfway. Errors only: what CDK writes twice
 * is no business of ours.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FUNCTIONS } from "../../lib/settings.ts";
import {
  FULL,
  SHIPPED,
  synthesiseInto,
  WITH_DEVICES,
  type Folders,
} from "../../test/infra/synth.ts";
import { installPython, PYTHON, type Environment } from "../python-venv.ts";
import type { Suite } from "../suite.ts";

const ENVIRONMENT: Environment = {
  name: "cfn-lint",
  package: "cfn-lint",
  requirements: fileURLToPath(new URL("requirements.txt", import.meta.url)),
};

const RESTORED = { table: "main-back", signerTable: "signer-back", at: "2026-01-15T12:00:00Z" };
const CONFIGS = {
  shipped: SHIPPED,
  full: FULL,
  devices: WITH_DEVICES,
  restored: { ...FULL, restored: RESTORED },
};

export const CFN_LINT: Suite = {
  name: "cfn-lint",
  needs: [PYTHON],
  run: async ({ say }) => {
    const python = installPython(ENVIRONMENT, say);
    const folder = mkdtempSync(join(tmpdir(), "rootward-cfn-lint-"));
    try {
      const templates = templatesIn(folder);
      say(`${templates.length} templates`);
      // Regions whose schemas differ most from each other.
      const regions = ["us-east-1", "eu-west-1", "ap-southeast-2"];
      const only = [
        "--ignore-checks",
        "W",
        "I",
        "--regions",
        ...regions,
        "--template",
        ...templates,
      ];
      const command = join(dirname(python), "cfn-lint");
      const { status, stdout, stderr } = spawnSync(command, only, { encoding: "utf8" });
      return status === 0 ? [] : [`${stdout}${stderr}`];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** @returns the paths of all templates of all configurations */
function templatesIn(folder: string): readonly string[] {
  const code = FUNCTIONS.map((name) => {
    const one = join(folder, name);
    mkdirSync(one);
    writeFileSync(join(one, "index.mjs"), `// ${name}\n`);
    return [name, { folder: one }];
  });
  return Object.entries(CONFIGS).flatMap(([name, config]) => {
    const out = join(folder, `out-${name}`);
    synthesiseInto(out, config, Object.fromEntries(code) as Folders);
    const templates = readdirSync(out).filter((file) => file.endsWith(".template.json"));
    return templates.map((file) => join(out, file));
  });
}
