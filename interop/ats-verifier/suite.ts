/**
 * A verifier of the ats dialect that shares no code with ours, as the device in `ats` Factories, both
 * channels: written from the public protocol (docs/fioctl.md) and the TUF specification, so that a
 * mistake in reading them would have to be made twice.
 */
import { fileURLToPath } from "node:url";
import type { Command } from "../fleet/foreign-client.ts";
import { followSuite } from "../fleet/follow-suite.ts";
import { installPython, PYTHON } from "../python-venv.ts";

const DEVICE = fileURLToPath(new URL("device.py", import.meta.url));
const ENVIRONMENT = {
  name: "ats-verifier",
  package: "cryptography",
  requirements: fileURLToPath(new URL("requirements.txt", import.meta.url)),
};

/** @returns the command of the client. -B: nothing is compiled into the repository. */
export function installAtsDevice(say: (line: string) => void): Command {
  return [installPython(ENVIRONMENT, say), "-B", DEVICE];
}

export const ATS_VERIFIER = followSuite({
  name: "ats-verifier",
  dialect: "ats",
  needs: [PYTHON],
  install: installAtsDevice,
});
