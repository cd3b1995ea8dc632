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
  provisionerTokenSha256: "cd".repeat(32),
  onlineKeys: "*/targets=kms",
};
export const SHIPPED = shipped;
/** And with a host that only devices with a certificate reach. */
export const WITH_DEVICES: Config = {
  ...FULL,
  devices: {
    name: "devices.example.com",
    certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/devices",
    truststore: { bucket: "example-fleet", key: "fleet-ca.pem", version: "v1" },
  },
};

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

interface Output {
  readonly Value: unknown;
  readonly Export?: { readonly Name: string };
}

export interface Template {
  readonly all: readonly (Resource & { readonly id: string })[];
  of(type: string): readonly (Resource & { readonly id: string })[];
  /** What other stacks may import, by the name that they import it under. */
  readonly exports: ReadonlyMap<string, unknown>;
}

export interface Synthesised {
  readonly stateful: Template;
  readonly stateless: Template;
}

export type Folders = Readonly<Record<FunctionName, { readonly folder: string }>>;

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
  const made = synthesiseInto(
    join(folder, "out"),
    config,
    Object.fromEntries(bundles) as Folders,
    change,
  );
  rmSync(folder, { recursive: true });
  return made;
}

/** @param outdir gets templates and code, as a deployment takes them */
export function synthesiseInto(
  outdir: string,
  config: Config,
  bundles: Folders,
  change: (stacks: ReturnType<typeof makeStacks>) => void = () => undefined,
): Synthesised {
  const app = new App({
    outdir,
    context: { "@aws-cdk/core:defaultCrossStackReferences": "strong" },
  });
  const stacks = makeStacks(app, config, bundles);
  change(stacks);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const assembly = app.synth();
  const template = (stack: Stack): Template => {
    const made = assembly.getStackByName(stack.stackName).template as {
      readonly Resources: Readonly<Record<string, Resource>>;
      readonly Outputs?: Readonly<Record<string, Output>>;
    };
    const all = Object.entries(made.Resources).map(([id, resource]) => ({ id, ...resource }));
    const exports = Object.values(made.Outputs ?? {}).flatMap(
      ({ Export: as, Value }): [string, unknown][] => (as === undefined ? [] : [[as.Name, Value]]),
    );
    return {
      all,
      of: (type) => all.filter(({ Type }) => Type === type),
      exports: new Map(exports),
    };
  };
  return { stateful: template(stacks.stateful), stateless: template(stacks.stateless) };
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
