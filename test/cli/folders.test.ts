/** A folder that a command is given and that cannot be one: refused in words of ours, and nothing is made. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startServer } from "../support/embedded.ts";
import { runCli } from "../support/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "rootward-folders-"));
const file = join(folder, "file");
writeFileSync(file, "no folder");
const server = await startServer();
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ["serve --data", ["serve", "--port", "0", "--data", file]],
  ["serve --data below a file", ["serve", "--port", "0", "--data", join(file, "data")]],
  ["serve --outbox", ["serve", "--port", "0", "--data", join(folder, "data"), "--outbox", file]],
  [
    "signer --signer-data",
    ["signer", "--signer-data", file, "--master-key-file", file, "--signer", join(folder, "s")],
  ],
  ["backup", ["backup", file, "--data", server.data]],
])("%s", async (_, args) => {
  const { code, stdout, stderr } = await runCli(args, { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(file);
  expect(stderr).toMatch(/is no folder and cannot be made one: (?:EEXIST|ENOTDIR)/);
  expect(stderr).not.toContain("mkdir");
  expect(readdirSync(folder).toSorted()).not.toContain("s");
});
