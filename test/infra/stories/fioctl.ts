/** Recorded stories of the real fioctl (test/fioctl), told to the AWS form. */
import { test } from "vitest";
import { expectRecording } from "../../support/fioctl/expect-recording.ts";
import { readTranscript } from "../../support/fioctl/transcript.ts";
import type { Installation } from "./installation.ts";

const RECORDINGS = [
  "v0.46-10-g9b0a6e7/root-key-rsa",
  "v0.46-10-g9b0a6e7/online-keys",
  "v0.46-10-g9b0a6e7/three-admins",
  "v0.29/direct",
] as const;

const never = (): Promise<never> => Promise.reject(new Error("nothing happens to this service"));

export function tellFioctl(one: Installation): void {
  test.each(RECORDINGS)(
    "answers fioctl as it did when it was recorded: %s",
    async (recording) => {
      const { adminToken, folder } = one;
      const name = recording.replaceAll(/[./]/g, "-").slice(-40).replace(/^-/, "");
      const host = { url: one.aws.front, adminToken, folder };
      await expectRecording(
        host,
        readTranscript(recording),
        { restart: never, passTime: never },
        name,
      );
    },
    60_000,
  );
}
