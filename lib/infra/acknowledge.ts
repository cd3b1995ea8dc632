/** Findings of cdk-nag that stand, each with its reason: the only place where one is passed over. */
import { Validations } from "aws-cdk-lib";
import type { Construct } from "constructs";

export function acknowledge(scope: Construct, findings: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(findings))
    Validations.of(scope).acknowledge({ id, reason });
}
