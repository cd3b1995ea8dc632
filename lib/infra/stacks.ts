/**
 * Both stacks of an installation. They know neither account nor region: both come from the deployment.
 */
import type { App } from "aws-cdk-lib";
import { FUNCTIONS, isTime, type FunctionName } from "../settings.ts";
import type { Config } from "./config.ts";
import { StatefulStack } from "./stateful-stack.ts";
import { StatelessStack } from "./stateless-stack.ts";

export function makeStacks(
  app: App,
  config: Config,
  bundles: Readonly<Record<FunctionName, { readonly folder: string }>>,
): { readonly stateful: StatefulStack; readonly stateless: StatelessStack } {
  assertTokensDiffer(config);
  assertRestoredAt(config);
  const folders = Object.fromEntries(FUNCTIONS.map((name) => [name, bundles[name].folder]));
  const stateful = new StatefulStack(app, `${config.name}-stateful`, config, {
    description: "Rootward: tables, buckets and keys",
  });
  const stateless = new StatelessStack(app, `${config.name}-stateless`, {
    description: "Rootward: functions and what the internet sees",
    config,
    state: stateful,
    folders: folders as Record<FunctionName, string>,
  });
  return { stateful, stateless };
}

/** One token for both would make the pipeline's the operator's. */
function assertTokensDiffer({ adminTokenSha256, provisionerTokenSha256 }: Config): void {
  if (provisionerTokenSha256 === null || provisionerTokenSha256 !== adminTokenSha256) return;
  throw new Error("provisionerTokenSha256: expected another token than that of adminTokenSha256");
}

/** A time that is none would void no link, and one to come would void those that are good. */
function assertRestoredAt({ restored }: Config): void {
  if (restored === null || (isTime(restored.at) && Date.parse(restored.at) <= Date.now())) return;
  throw new Error("restored.at: expected a time that has been, YYYY-MM-DDTHH:MM:SSZ");
}
