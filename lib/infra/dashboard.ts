/** One page for a person who was called: is the schedule on time, does anything fail, how much is asked. */
import { Aws, Duration, type Stack } from "aws-cdk-lib";
import { Dashboard, GraphWidget, type IMetric } from "aws-cdk-lib/aws-cloudwatch";
import { FUNCTIONS } from "../settings.ts";
import { ownMetric, type Apis, type Functions } from "./alarms.ts";

export function makeDashboard(
  stack: Stack,
  name: string,
  functions: Functions,
  { open, devices }: Apis,
): void {
  const period = Duration.minutes(5);
  const each = FUNCTIONS.map((one) => functions[one]);
  const graph = (title: string, left: IMetric[]): GraphWidget =>
    new GraphWidget({ title, left, period, width: 12, height: 6 });
  new Dashboard(stack, "Dashboard", {
    dashboardName: `${name}-${Aws.REGION}`,
    widgets: [
      [
        graph("Factories tended to, and left over", [
          ownMetric("Tended", "refresh"),
          ownMetric("StillDue", "refresh", "Maximum"),
        ]),
        graph(
          "Errors that were reported",
          FUNCTIONS.map((one) => ownMetric("Problem", one).with({ label: one })),
        ),
      ],
      [
        graph(
          "Failed and throttled invocations",
          each.flatMap((one) => [one.metricErrors(), one.metricThrottles()]),
        ),
        graph(
          "Milliseconds (99 of 100)",
          each.map((one) => one.metricDuration({ statistic: "p99" })),
        ),
      ],
      [
        graph("Requests", [
          open.metricCount(),
          open.metricClientError(),
          open.metricServerError(),
          ...(devices === null
            ? []
            : [
                devices.metricCount({ label: "Count (devices)" }),
                devices.metricClientError({ label: "4xx (devices)" }),
                devices.metricServerError({ label: "5xx (devices)" }),
              ]),
        ]),
        graph(
          "Invocations",
          each.map((one) => one.metricInvocations()),
        ),
      ],
    ],
  });
}
