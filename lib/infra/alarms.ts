/** When an operator is called. Each alarm has an entry in docs/runbook.md, nearly all one of their own. */
import { Duration, type Stack } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  Metric,
  TreatMissingData,
  type IMetric,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { FunctionName } from "../settings.ts";
import { METRICS, type ServiceFunction } from "./service-function.ts";

export type Functions = Readonly<Record<FunctionName, ServiceFunction>>;

export interface Apis {
  /** The one that everybody reaches. */
  readonly open: HttpApi;
  /** That of the devices' own name; null where they have none. */
  readonly devices: HttpApi | null;
}

const MINUTE = Duration.minutes(1);
const FIVE = Duration.minutes(5);

export function ownMetric(name: string, service: FunctionName, statistic = "Sum"): Metric {
  const dimensionsMap = { service };
  return new Metric({ namespace: METRICS, metricName: name, dimensionsMap, statistic });
}

interface Rule {
  readonly what: string;
  readonly metric: IMetric;
  /** It is too much from here on. */
  readonly from: number;
  /** For how many periods. */
  readonly periods?: number;
  /** Its entry in the runbook, where that has another name. */
  readonly entry?: string;
}

export function makeAlarms(stack: Stack, functions: Functions, apis: Apis, topic: ITopic): void {
  const stopped = new Alarm(stack, "ScheduleStopped", {
    alarmDescription: "The schedule does not run. docs/runbook.md#schedulestopped",
    metric: functions.refresh.metricInvocations({ period: FIVE, statistic: "Sum" }),
    threshold: 1,
    evaluationPeriods: 3,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    treatMissingData: TreatMissingData.BREACHING,
  });
  stopped.addAlarmAction(new SnsAction(topic));
  const rules = { ...failures(functions), ...problems(), ...requests(functions, apis) };
  for (const [id, rule] of Object.entries(rules)) {
    const alarm = new Alarm(stack, id, {
      alarmDescription: `${rule.what}. docs/runbook.md#${(rule.entry ?? id).toLowerCase()}`,
      metric: rule.metric,
      threshold: rule.from,
      evaluationPeriods: rule.periods ?? 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(topic));
  }
}

type Rules = Readonly<Record<string, Rule>>;

/** Invocations that end with an error, or not in time. */
function failures({ refresh, signer, metadata }: Functions): Rules {
  return {
    StillDue: {
      what: "Factories stay due: their metadata comes near its end",
      metric: ownMetric("StillDue", "refresh", "Minimum").with({ period: FIVE }),
      from: 1,
      periods: 6,
    },
    ScheduleFails: {
      what: "The schedule fails or runs out of time",
      metric: refresh.metricErrors({ period: FIVE, statistic: "Sum" }),
      from: 1,
      periods: 3,
    },
    ClockInDoubt: {
      what: "The schedule does not believe its clock: nothing that is over is destroyed",
      metric: ownMetric("ClockInDoubt", "refresh", "Maximum").with({ period: FIVE }),
      from: 1,
      periods: 3,
    },
    SignerFails: {
      what: "The signer fails: nothing can be signed",
      metric: signer.metricErrors({ period: FIVE, statistic: "Sum" }),
      from: 1,
      periods: 2,
    },
    DevicesFail: {
      what: "Devices get errors",
      metric: metadata.metricErrors({ period: MINUTE, statistic: "Sum" }),
      from: 5,
      periods: 5,
    },
  };
}

/** The problems that a function reported. */
function problems(): Rules {
  const of = (name: FunctionName, what: string): Rule => {
    return { what, metric: ownMetric("Problem", name).with({ period: FIVE }), from: 1 };
  };
  return {
    SignerProblem: of("signer", "The signer met an error that it could not name"),
    BootstrapProblem: of("bootstrap", "A bootstrap, or the mail with its link, failed"),
    DeliveryProblem: of("deliver", "A delivery failed, or what it left could not be destroyed"),
    RootsProblem: of("roots", "A request of an owner or of a tool failed"),
    DevicesProblem: of("metadata", "A device's request failed, or came without a certificate"),
  };
}

function requests({ metadata }: Functions, { open, devices }: Apis): Rules {
  const errorsOf = (api: HttpApi, what: string): Rule => {
    const metric = api.metricServerError({ period: FIVE, statistic: "Sum" });
    return { what, metric, from: 10, periods: 2, entry: "ServerErrors" };
  };
  return {
    DevicesThrottled: {
      what: "Devices are turned away: the metadata function has as many copies as it may",
      metric: metadata.metricThrottles({ period: MINUTE, statistic: "Sum" }),
      from: 1,
      periods: 5,
    },
    ServerErrors: errorsOf(open, "The API answers with 5xx"),
    ...(devices && {
      DevicesServerErrors: errorsOf(devices, "The devices' own name answers with 5xx"),
    }),
  };
}
