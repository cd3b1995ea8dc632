/**
 * One of the functions: its bundle, its log, and a role that begins with nothing but writing to that log.
 * Its other rights are named action by action (`allow`), never by `grantReadWrite`.
 */
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { environmentOf, type FunctionName, type Settings } from "../settings.ts";
import { acknowledge } from "./acknowledge.ts";
import type { Config } from "./config.ts";
import { roleName } from "./reserved-key.ts";

/** Which numbers of telemetry are ours. */
export const METRICS = "Rootward";

/**
 * 1769 MB of memory bring a whole processor: functions that make keys or check many signatures get one.
 */
const SIZES = {
  bootstrap: { memorySize: 1769, timeout: Duration.seconds(29) },
  deliver: { memorySize: 1024, timeout: Duration.seconds(29) },
  roots: { memorySize: 1769, timeout: Duration.seconds(29) },
  metadata: { memorySize: 512, timeout: Duration.seconds(10) },
  signer: { memorySize: 1769, timeout: Duration.seconds(25) },
  refresh: { memorySize: 1024, timeout: Duration.minutes(5) },
} as const satisfies Record<FunctionName, object>;

export interface ServiceFunctionProps<F extends FunctionName> {
  readonly name: F;
  readonly config: Config;
  /** The folder of its bundle. */
  readonly folder: string;
  readonly settings: Settings<F>;
}

export interface Right {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, unknown>>;
  /** Why the resources have a `*`, where they do. */
  readonly wildcard?: string;
}

export class ServiceFunction<F extends FunctionName = FunctionName> extends Function {
  constructor(scope: Construct, id: string, props: ServiceFunctionProps<F>) {
    const { name, config } = props;
    const logGroup = new LogGroup(scope, `${id}Log`, {
      retention: config.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(scope, `${id}Role`, {
      // Key policies name it (reserved-key.ts).
      roleName: roleName(config.name, name),
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `Rootward: what the function ${name} may do`,
    });
    const reserved = new Map(Object.entries(config.concurrency ?? {})).get(name);
    super(scope, id, {
      description: `Rootward: ${name}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: "index.handler",
      code: Code.fromAsset(props.folder),
      role,
      logGroup,
      ...SIZES[name],
      ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
      environment: {
        ...environmentOf(name, props.settings),
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: METRICS,
      },
    });
    this.allow({
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [logGroup.logGroupArn],
    });
  }

  allow({ actions, resources, conditions, wildcard }: Right): void {
    this.addToRolePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: [...actions],
        resources: [...resources],
        ...(conditions && { conditions }),
      }),
    );
    if (wildcard === undefined || this.role === undefined) return;
    for (const resource of resources) {
      const finding = `AwsSolutions-IAM5[Resource::${shown(Stack.of(this).resolve(resource))}]`;
      acknowledge(this.role, { [finding]: wildcard });
    }
  }
}

/** An ARN as cdk-nag shows it, with the names of what only a deployment knows. */
function shown(resolved: unknown): string {
  if (typeof resolved === "string") return resolved;
  const [[intrinsic, value] = ["", ""]] = Object.entries(resolved as object) as [string, unknown][];
  if (intrinsic === "Fn::Join") return (value as [string, unknown[]])[1].map(shown).join("");
  return intrinsic === "Ref" ? `<${String(value)}>` : String(value);
}
