/** The templates of an installation, synthesised in memory with bundles of one line. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Validations, type Stack } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { Config } from "../../lib/infra/config.ts";
import { makeStacks } from "../../lib/infra/stacks.ts";
import { FUNCTIONS, type FunctionName } from "../../lib/settings.ts";
import { config as shipped } from "../../rootward.config.ts";

/** Everything that an operator may choose, chosen. */
export const FULL: Config = {
  ...shipped,
  domain: {
    name: "tuf.example.com",
    certificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/example",
  },
  sender: "rootward@example.com",
  alarmEmail: "operators@example.com",
  adminTokenSha256: "ab".repeat(32),
  onlineKeys: "*/targets=kms",
};
export const SHIPPED = shipped;

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Template {
  readonly all: readonly (Resource & { readonly id: string })[];
  of(type: string): readonly (Resource & { readonly id: string })[];
}

export interface Synthesised {
  readonly stateful: Template;
  readonly stateless: Template;
}

/** @param change is made to the stacks before they are synthesised */
export function synthesise(
  config: Config,
  change: (stacks: ReturnType<typeof makeStacks>) => void = () => undefined,
): Synthesised {
  const folder = mkdtempSync(join(tmpdir(), "rootward-synth-"));
  const bundles = FUNCTIONS.map((name) => {
    const one = join(folder, name);
    mkdirSync(one);
    writeFileSync(join(one, "index.mjs"), `// ${name}\n`);
    return [name, { folder: one }];
  });
  const app = new App({
    outdir: join(folder, "out"),
    context: { "@aws-cdk/core:defaultCrossStackReferences": "strong" },
  });
  const byName = Object.fromEntries(bundles) as Record<FunctionName, { folder: string }>;
  const stacks = makeStacks(app, config, byName);
  change(stacks);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const assembly = app.synth();
  const template = (stack: Stack): Template => {
    const made = assembly.getStackByName(stack.stackName).template as {
      readonly Resources: Readonly<Record<string, Resource>>;
    };
    const all = Object.entries(made.Resources).map(([id, resource]) => ({ id, ...resource }));
    return { all, of: (type) => all.filter(({ Type }) => Type === type) };
  };
  const made = { stateful: template(stacks.stateful), stateless: template(stacks.stateless) };
  rmSync(folder, { recursive: true });
  return made;
}

/** What of a template's value a deployment knows only is left as the name that it has there. */
export function shown(value: unknown): string {
  if (typeof value === "string") return value;
  const [entry] = Object.entries(value as object) as [string, unknown][];
  if (entry === undefined) return "";
  const [intrinsic, inside] = entry;
  if (intrinsic === "Fn::Join") return (inside as [string, unknown[]])[1].map(shown).join("");
  if (intrinsic === "Fn::ImportValue") return named(/(?:GetAtt|Ref)(.+?)[0-9A-F]{8}/, inside);
  if (intrinsic === "Fn::GetAtt") return named(/^(.+?)[0-9A-F]{8}$/, (inside as string[])[0]);
  return intrinsic === "Ref" ? `<${named(/^(.+?)[0-9A-F]{8}$/, inside)}>` : String(inside);
}

function named(pattern: RegExp, text: unknown): string {
  return pattern.exec(String(text))?.[1] ?? String(text);
}
