/**
 * Whether a function may do something, by the synthesised templates alone: its role's policies, and the
 * policies of the key or bucket that it is about, as a library reads them that knows every action,
 * resource and condition of AWS. A condition on what an action does not have is an error there, as it
 * would be a condition that never holds in AWS.
 */
import { runSimulation } from "@cloud-copilot/iam-simulate";
import type { FunctionName } from "../../../lib/settings.ts";
import { ACCOUNT, type Cloud, type Made } from "./cloud.ts";

export interface Asked {
  readonly action: string;
  /** An ARN, or `*` where AWS knows no other. */
  readonly resource: string;
  /** What conditions may be about. */
  readonly context?: Readonly<Record<string, string | string[]>>;
}

/** One action on one resource, as a statement of a role allows it. */
export interface Right {
  readonly by: FunctionName;
  readonly action: string;
  /** With `*`s. */
  readonly resource: string;
  /** `{ OPERATOR: { KEY: values } }`, as in the statement. */
  readonly condition: Condition;
}
type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Condition;
}
interface Document {
  readonly Statement: readonly Statement[];
}

/** A key that was made without a policy has this one. */
const DEFAULT_KEY_POLICY = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
      Action: "kms:*",
      Resource: "*",
    },
  ],
};

export class Policies {
  readonly #roles: ReadonlyMap<FunctionName, { readonly role: string; readonly all: Document[] }>;
  readonly #ofResources: ReadonlyMap<string, unknown>;
  readonly #answers = new Map<string, Promise<boolean>>();
  readonly #used = new Set<Right>();
  /** Everything that the roles allow. */
  readonly rights: readonly Right[];

  /** @param functions as the template has them, by their names here */
  constructor(cloud: Cloud, functions: ReadonlyMap<FunctionName, Made>) {
    const policies = cloud.of("AWS::IAM::Policy");
    const roles = cloud.of("AWS::IAM::Role");
    this.#roles = new Map(
      [...functions].map(([name, { properties }]) => {
        const role = String(properties["Role"]);
        const ref = roles.find(({ id }) => cloud.arnOf(id) === role)?.ref ?? "";
        const attached = policies.filter((policy) =>
          (policy.properties["Roles"] as readonly string[]).includes(ref),
        );
        const all = attached.map((policy) => policy.properties["PolicyDocument"] as Document);
        return [name, { role, all }];
      }),
    );
    this.rights = [...this.#roles].flatMap(([by, { all }]) =>
      all.flatMap((one) => rightsIn(by, one)),
    );
    this.#ofResources = new Map<string, unknown>([
      ...cloud
        .of("AWS::KMS::Key")
        .map(({ id, properties }) => [cloud.arnOf(id), properties["KeyPolicy"]] as const),
      ...cloud
        .of("AWS::S3::BucketPolicy")
        .map(
          ({ properties }) =>
            [`arn:aws:s3:::${String(properties["Bucket"])}`, properties["PolicyDocument"]] as const,
        ),
    ]);
  }

  /** @throws where the policies or the question are not what AWS understands */
  async allows(by: FunctionName, asked: Asked): Promise<boolean> {
    const key = JSON.stringify([by, asked]);
    const answer = this.#answers.get(key) ?? this.#decide(by, asked);
    this.#answers.set(key, answer);
    const allowed = await answer;
    if (allowed) {
      for (const right of this.rights.filter((one) => one.by === by && covers(one, asked))) {
        this.#used.add(right);
      }
    }
    return allowed;
  }

  /** Whether a call needed it so far. */
  isUsed(right: Right): boolean {
    return this.#used.has(right);
  }

  async #decide(by: FunctionName, { action, resource, context = {} }: Asked): Promise<boolean> {
    const { role = "", all = [] } = this.#roles.get(by) ?? {};
    const session = role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
    const resourcePolicy = this.#policyOf(resource);
    const simulated = await runSimulation(
      {
        request: {
          principal: `${session}/${by}`,
          action,
          resource: { resource, accountId: ACCOUNT },
          contextVariables: { "aws:PrincipalArn": role, "aws:SecureTransport": "true", ...context },
        },
        identityPolicies: all.map((policy, index) => ({ name: `${by}-${index}`, policy })),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
        ...(resourcePolicy !== undefined && { resourcePolicy }),
      },
      {},
    );
    if (simulated.resultType === "error") {
      throw new Error(`${by}: ${action} on ${resource}: ${JSON.stringify(simulated.errors)}`);
    }
    return simulated.overallResult === "Allowed";
  }

  #policyOf(resource: string): unknown {
    const [bucket = ""] = resource.split("/");
    const own = this.#ofResources.get(resource) ?? this.#ofResources.get(bucket);
    return own ?? (resource.startsWith("arn:aws:kms:") ? DEFAULT_KEY_POLICY : undefined);
  }
}

function rightsIn(by: FunctionName, { Statement: all }: Document): readonly Right[] {
  return all.flatMap(({ Action, Resource, Condition: condition = {} }) =>
    [Action]
      .flat()
      .flatMap((action) =>
        [Resource].flat().map((resource): Right => ({ by, action, resource, condition })),
      ),
  );
}

function covers({ action, resource: pattern }: Right, asked: Asked): boolean {
  const [start = "", ...rest] = pattern.split("*");
  const fits = rest.length === 0 ? pattern === asked.resource : asked.resource.startsWith(start);
  return action === asked.action && fits;
}
