/** cdk-nag finds nothing that was not acknowledged with its reason, and sees what it should see. */
import { expect, test } from "vitest";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { FULL, SHIPPED, WITH_DEVICES, synthesise } from "./synth.ts";

test.each([
  ["as it is shipped", SHIPPED],
  ["with everything", FULL],
  ["with a name of the devices' own", WITH_DEVICES],
])("%s", (_, config) => {
  expect(() => synthesise(config)).not.toThrow();
});

test("a bucket that nobody thought about is refused", () => {
  expect(() =>
    synthesise(SHIPPED, ({ stateful }) => {
      new Bucket(stateful, "Canary");
    }),
  ).toThrow(/AwsSolutions-S10/);
});

test("a right to everything is refused", () => {
  expect(() =>
    synthesise(SHIPPED, ({ stateless }) => {
      stateless.functions.roots.allow({ actions: ["s3:GetObject"], resources: ["*"] });
    }),
  ).toThrow(/AwsSolutions-IAM5\[Resource::\*\]/);
});
