/**
 * The resources that every release replaces: functions, the front, the schedule, alarms. It holds nothing
 * that is missed when it is made anew, but for the name that CloudFront gives where there is no domain.
 */
import { ArnFormat, Aws, CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { FUNCTIONS, type FunctionName, type Settings } from "../settings.ts";
import { makeAlarms, type Functions } from "./alarms.ts";
import type { Config } from "./config.ts";
import { makeDashboard } from "./dashboard.ts";
import { makeDevicesName } from "./devices-name.ts";
import { HttpFront } from "./http-front.ts";
import { makeMail, type Mail } from "./mail.ts";
import { rightsOf } from "./rights.ts";
import { ServiceFunction } from "./service-function.ts";
import type { StatefulStack } from "./stateful-stack.ts";

export interface StatelessProps extends StackProps {
  readonly config: Config;
  readonly state: StatefulStack;
  /** The folder of each function's bundle. */
  readonly folders: Readonly<Record<FunctionName, string>>;
}

export class StatelessStack extends Stack {
  readonly functions: Functions;

  constructor(scope: Construct, id: string, props: StatelessProps) {
    super(scope, id, props);
    const { config } = props;
    const topic = makeTopic(this, config);
    const mail = makeMail(this, config.sender, topic);
    const front = new HttpFront(this, config);
    this.functions = makeFunctions(this, props, mail, front.url);
    front.route(this.functions);
    const apis = { open: front.api, devices: makeDevicesName(this, config, this.functions) };
    scheduleEveryMinute(this, this.functions.refresh);
    makeAlarms(this, this.functions, apis, topic);
    makeDashboard(this, config.name, this.functions, apis);
    new CfnOutput(this, "Url", { value: front.url });
    new CfnOutput(this, "CloudFrontName", { value: front.distribution.distributionDomainName });
  }
}

function makeFunctions(
  stack: StatelessStack,
  { config, state, folders }: StatelessProps,
  mail: Mail,
  publicUrl: string,
): Functions {
  const make = <F extends FunctionName>(name: F, settings: Settings<F>): ServiceFunction => {
    const id = name.slice(0, 1).toUpperCase() + name.slice(1);
    return new ServiceFunction(stack, id, { name, config, folder: folders[name], settings });
  };
  const signer = make("signer", {
    signerTable: state.signerTable.tableName,
    sealingKey: state.sealingKey.keyArn,
    onlineKeys: config.onlineKeys,
  });
  const all = {
    table: state.table.tableName,
    documentBucket: state.documentBucket.bucketName,
    shareTable: state.shareTable.tableName,
    shareKey: state.shareKey.keyArn,
    archiveBucket: state.archiveBucket.bucketName,
    archiveOrigin: `https://${state.archiveBucket.bucketRegionalDomainName}`,
    signerFunction: signer.functionArn,
    publicUrl,
    sender: config.sender ?? "",
    configurationSet: mail.configurationSet,
    adminToken: config.adminTokenSha256 ?? "",
    provisionerToken: config.provisionerTokenSha256 ?? "",
  };
  const functions: Functions = {
    bootstrap: make("bootstrap", all),
    deliver: make("deliver", { ...all, linksFrom: config.restored?.at ?? "" }),
    roots: make("roots", all),
    metadata: make("metadata", {
      ...all,
      clientCertificates: config.devices === null ? "" : "required",
    }),
    refresh: make("refresh", all),
    signer,
  };
  const others = { signer: signer.functionArn, mail: mail.arns, publicUrl };
  const rights = rightsOf(state, others, config);
  for (const name of FUNCTIONS) {
    for (const right of rights[name]) functions[name].allow(right);
  }
  return functions;
}

/** A run that failed is not repeated: the next one comes in a minute and does the same. */
function scheduleEveryMinute(stack: Stack, refresh: ServiceFunction): void {
  new Rule(stack, "EveryMinute", {
    description: "Rootward: tends to the Factories that are due",
    schedule: Schedule.rate(Duration.minutes(1)),
    targets: [new LambdaFunction(refresh, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
  });
  refresh.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
}

function makeTopic(stack: Stack, { alarmEmail }: Config): Topic {
  const topic = new Topic(stack, "Alarms", { displayName: "Rootward", enforceSSL: true });
  // A topic with a policy of its own takes from nobody whom that does not name, alarms included.
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: "AlarmsOfThisAccount",
      principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
      actions: ["sns:Publish"],
      resources: [topic.topicArn],
      conditions: {
        StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID },
        ArnLike: { "aws:SourceArn": alarmsOf(stack) },
      },
    }),
  );
  if (alarmEmail !== null) topic.addSubscription(new EmailSubscription(alarmEmail));
  return topic;
}

function alarmsOf(stack: Stack): string {
  const own = { service: "cloudwatch", resource: "alarm", resourceName: "*" } as const;
  return stack.formatArn({ ...own, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
}
