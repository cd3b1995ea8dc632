/**
 * `rootward signer forget-root`: the signer stops trusting a root that its operator knows to be on no
 * device. It is the way out where a root that the owner signed and gave up would come back. Where a device
 * does have it, that device will no longer accept updates, so the command shows the root and asks for the
 * words that none has. A line about it stays in the signer's records.
 */
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { forgettableRoots, type Forgettable } from "../../adapters/embedded/forgettable-roots.ts";
import { withStoppedSigner } from "../../adapters/embedded/stopped-signer.ts";
import { SqliteSignerRoots } from "../../adapters/embedded/signer-roots.ts";
import { RootwardError } from "../../error.ts";
import { isFactoryName } from "../../state/names.ts";
import { line, listed, type Line } from "../../text/line.ts";
import { ONLINE_ROLES } from "../../tuf/dialect.ts";
import { formatTime } from "../../tuf/expires.ts";
import type { Terminal } from "../terminal.ts";

interface ForgetFlags {
  readonly instance?: string;
  readonly confirm?: string;
}

export function addForgetRoot(signer: Command, terminal: Terminal, folder: () => string): void {
  signer
    .command("forget-root <factory> <version>")
    .description("stop trusting a root that is on no device; the service must be stopped")
    .option("--instance <id>", "which bootstrap of the Factory, where several have such a root")
    .option("--confirm <words>", "the words that are asked for, in a script")
    .action(async (factory: string, version: string, flags: ForgetFlags) => {
      if (!isFactoryName(factory)) throw new RootwardError("usage", "factory: expected a name");
      if (!/^[1-9]\d{0,9}$/.test(version) || Number(version) < 2) {
        throw new RootwardError("usage", "version: expected a root version from 2 on");
      }
      await forget(terminal, folder(), { ...flags, factory, version: Number(version) });
    });
}

interface Forget extends ForgetFlags {
  readonly factory: string;
  readonly version: number;
}

async function forget(terminal: Terminal, folder: string, asked: Forget): Promise<void> {
  const { factory, version } = asked;
  const found = await withStoppedSigner(folder, async (database) => {
    const roots = oneInstance(await forgettableRoots(database, factory, version), asked);
    for (const text of roots.flatMap(described)) terminal.note(text);
    await assertConfirmed(terminal, asked);
    const refs = [...new Map(roots.map(({ ref }) => [ref.channel, ref])).values()];
    const digests = roots.map(({ ref, sha256 }) => `${ref.channel} ${sha256}`).join(", ");
    const logged = { at: Date.now(), line: `forget-root ${factory} ${version}: ${digests}` };
    if (await new SqliteSignerRoots(database).forgetRoot(refs, version, logged)) return roots;
    throw new RootwardError(
      "usage",
      `root ${version - 1} of ${factory} is not kept here, so the signer cannot go back to it: ` +
        "an earlier release kept the newest root only",
    );
  });
  terminal.result(
    { factory, version, roots: found.map(({ ref, sha256 }) => ({ channel: ref.channel, sha256 })) },
    [
      line`the signer no longer trusts or expects root ${version} of ${factory}`,
      line`a service whose database has this root makes the signer follow it again`,
    ],
  );
}

/** @throws RootwardError `usage` where there is none, or where several bootstraps have one */
function oneInstance(
  all: readonly Forgettable[],
  { factory, version, instance }: Forget,
): readonly Forgettable[] {
  const roots = all.filter(({ ref }) => instance === undefined || ref.instance === instance);
  const instances = new Set(roots.map(({ ref }) => ref.instance));
  if (instances.size === 1) return roots;
  throw new RootwardError(
    "usage",
    instances.size === 0
      ? `the signer neither trusts root ${version} of ${factory} as its newest nor expects it`
      : `several bootstraps of ${factory} have a root ${version}: name one with --instance ` +
          [...instances].join(" or "),
  );
}

function described({ ref, trusted, version, sha256, root }: Forgettable): readonly Line[] {
  const online = ONLINE_ROLES.map((role) => line`${role} ${listed(root.roles[role].keyids)}`);
  return [
    line`${ref.factory} ${ref.channel}: root ${version}, ${trusted ? "trusted" : "expected"}`,
    line`  bootstrap    ${ref.instance}`,
    line`  SHA-256      ${sha256}`,
    line`  expires      ${formatTime(root.expires)}`,
    line`  root keys    ${listed(root.roles.root.keyids)}`,
    line`  online keys  ${listed(online, "; ")}`,
  ];
}

async function assertConfirmed(terminal: Terminal, asked: Forget): Promise<void> {
  const words = `no device has root ${asked.version} of ${asked.factory}`;
  const given = asked.confirm ?? (await typed(terminal, words));
  if (given?.trim() === words) return;
  throw new RootwardError(
    "usage",
    given === null
      ? `nothing was changed: without a terminal, confirm with --confirm "${words}"`
      : "nothing was changed: the words were others",
  );
}

/** Null without a terminal. */
async function typed(terminal: Terminal, words: string): Promise<string | null> {
  if (!process.stdin.isTTY) return null;
  terminal.note(line`A device that has this root will no longer accept updates from the service.`);
  terminal.note(line`If no device has it, type: ${words}`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question("> ");
  } finally {
    lines.close();
  }
}
