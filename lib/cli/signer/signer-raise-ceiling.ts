/**
 * `rootward signer raise-ceiling`: a way back for version numbers that ran ahead while a clock was wrong.
 * The signer goes on above the last number, as fast as seconds pass, so no device notices. It is a command
 * at the signer's own machine, since a service that could ask for it could use all numbers up. The signer
 * may run meanwhile.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { lastNumbers, raiseCeilings, type LastNumber } from "../../adapters/embedded/ceilings.ts";
import { openDatabase } from "../../adapters/embedded/database.ts";
import { SIGNER_SCHEMA, upgradeSigner } from "../../adapters/embedded/signer-records.ts";
import { RootwardError } from "../../error.ts";
import { isFactoryName, type FactoryName } from "../../state/names.ts";
import { FAR, onlineVersion } from "../../state/schedule.ts";
import { line, type Line } from "../../text/line.ts";
import { formatTime } from "../../tuf/expires.ts";
import type { Terminal } from "../terminal.ts";

/** Quick publications bring versions a few ahead of the clock, which is right. */
const QUICK = 60;

export function addRaiseCeiling(signer: Command, terminal: Terminal, folder: () => string): void {
  signer
    .command("raise-ceiling <factory>")
    .description(
      "let version numbers that ran ahead go on; for a clock that was wrong and is right",
    )
    .option("--yes", "do it, after a run without this flag showed what it does")
    .action(async (factory: string, { yes }: { readonly yes?: true }) => {
      if (!isFactoryName(factory)) throw new RootwardError("usage", "factory: expected a name");
      await raise(terminal, join(folder(), "signer.db"), factory, yes === true);
    });
}

async function raise(
  terminal: Terminal,
  file: string,
  factory: FactoryName,
  yes: boolean,
): Promise<void> {
  if (!existsSync(file)) {
    throw new RootwardError("usage", `${file}: not found; name its folder with --signer-data`);
  }
  const database = await openDatabase(file, { schema: SIGNER_SCHEMA, upgrade: upgradeSigner });
  try {
    const now = Date.now();
    const known = await database.read((sql) => lastNumbers(sql, factory));
    if (known.length === 0) {
      throw new RootwardError("not-found", `this signer has signed nothing for ${factory}`);
    }
    const ahead = known.filter(({ version }) => version > onlineVersion(0, now) + QUICK);
    for (const text of ahead.flatMap((one) => described(one, now))) terminal.note(text);
    if (ahead.length > 0 && !yes) {
      throw new RootwardError(
        "usage",
        "nothing was changed; if the clock of this machine is right, run it again with --yes",
      );
    }
    const raised = ahead.map((one) => ({ ...one, since: now }));
    await database.transaction((sql) => raiseCeilings(sql, factory, raised));
    terminal.result({ factory, raised }, [
      ahead.length > 0
        ? line`versions of ${factory} go on above those that ran ahead`
        : line`no version of ${factory} is ahead of the clock, so nothing was changed`,
    ]);
  } finally {
    database.close();
  }
}

function described({ instance, version }: LastNumber, now: number): readonly Line[] {
  const seconds = version - onlineVersion(0, now);
  const lines = [
    line`the clock of this machine says ${formatTime(now)}`,
    line`bootstrap ${instance}: the last version is ${version}, ${seconds} seconds ahead of that`,
    line`the signer will sign version ${version + 1} and those after it, about one for each second`,
  ];
  if (version <= FAR) return lines;
  return [
    ...lines,
    line`that is near the highest version that devices take: the owner must rotate the root and all`,
    line`three online keys together, so that versions begin anew (docs/operations.md)`,
  ];
}
