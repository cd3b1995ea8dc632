/**
 * A key whose own policy denies its use to everybody but the functions that it is for: whatever an
 * administrator's role or a later mistake in IAM allows, a denial wins. It names roles by their names,
 * so that it is there before they are, and stays when they go.
 *
 * A principal that may change the policy can still let itself in; that leaves a trace.
 */
import { Aws } from "aws-cdk-lib";
import { AnyPrincipal, Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { RemovalPolicy } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { FunctionName } from "../settings.ts";

/** Everything that uses a symmetric key, or lets somebody use it. */
const USES = [
  "kms:Encrypt",
  "kms:Decrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyPair",
  "kms:GenerateDataKeyPairWithoutPlaintext",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
  "kms:CreateGrant",
] as const;
type Use = (typeof USES)[number];

export interface ReservedKeyProps {
  readonly description: string;
  /** The installation's name. */
  readonly name: string;
  readonly uses: Readonly<Partial<Record<Use, readonly FunctionName[]>>>;
}

export class ReservedKey extends Key {
  constructor(scope: Construct, id: string, { description, name, uses }: ReservedKeyProps) {
    super(scope, id, {
      description,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const never = USES.filter((use) => uses[use] === undefined);
    this.#deny("NoOtherUse", never);
    for (const [use, functions] of Object.entries(uses) as [Use, readonly FunctionName[]][]) {
      const roles = functions.map((one) => roleArn(name, one));
      const sid = `Only${use.slice("kms:".length)}By${functions.map(capitalized).join("And")}`;
      this.#deny(sid, [use], { ArnNotEquals: { "aws:PrincipalArn": roles } });
    }
  }

  #deny(sid: string, actions: readonly string[], conditions?: Record<string, unknown>): void {
    this.addToResourcePolicy(
      new PolicyStatement({
        sid,
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: [...actions],
        resources: ["*"],
        ...(conditions && { conditions }),
      }),
    );
  }
}

/** Roles are known to all of an account, in all of its regions. */
export function roleName(name: string, one: FunctionName): string {
  return `${name}-${one}-${Aws.REGION}`;
}

function roleArn(name: string, one: FunctionName): string {
  return `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:role/${roleName(name, one)}`;
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
