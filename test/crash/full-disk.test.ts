/**
 * A disk that fails at each step of a command. In a process of its own: what Node's modules do is changed
 * there (test/support/failing-disk.ts).
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("./full-disk.ts", import.meta.url));

test.each([
  ["bootstrap", 30],
  ["claim", 10],
  ["confirm", 15],
  ["root", 10],
])(
  "%s: refused with a reason, nothing acknowledged is lost, and nothing is left",
  async (name, fewest) => {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, name]);
    const { steps, broken } = JSON.parse(stdout) as { steps: string[]; broken: string[] };
    expect(broken).toEqual([]);
    expect(steps.length).toBeGreaterThan(fewest);
  },
  300_000,
);
