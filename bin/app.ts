/** The CDK entry: two stacks from one configuration. Needs no account, no network and no Docker to synthesise. */
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { bundlePage } from "../lib/cli/serve/page.ts";
import { bundleFunctions } from "../lib/infra/bundle.ts";
import { makeStacks } from "../lib/infra/stacks.ts";
import { config } from "../rootward.config.ts";

// The stateful stack keeps what the other one uses, until nothing uses it.
const app = new App({ context: { "@aws-cdk/core:defaultCrossStackReferences": "strong" } });
const bundles = await bundleFunctions("dist/lambdas", await bundlePage());
makeStacks(app, config, bundles);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
