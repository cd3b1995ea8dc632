/** `rootward root`: the commands, their flags and help texts. */
import { Option, type Command } from "commander";
import type { Client } from "../client.ts";
import { rootApply, rootCancel, rootReview } from "./root-update.ts";
import { rootHistory, rootShow, rootVerify } from "./root.ts";
import type { Terminal } from "../terminal.ts";

export function addRoot(program: Command, terminal: Terminal, client: () => Client): void {
  const root = program
    .command("root")
    .description("what the fleet trusts, verified from outside, and the root update in progress");
  const command = (name: string, description: string): Command =>
    root
      .command(name)
      .description(description)
      .addOption(
        new Option("--factory <name>", "the Factory").env("ROOTWARD_FACTORY").makeOptionMandatory(),
      );
  const readers = [
    ["show", "the newest root of each channel", rootShow],
    ["history", "every root, with what changed it", rootHistory],
  ] as const;
  const reader = (name: string, description: string): Command =>
    command(name, description).option(
      "--channel <channel>",
      "main, ci or prod (default: all that there are)",
    );
  for (const [name, description, run] of readers) {
    reader(name, description).action(
      async ({ factory, channel }: { factory: string; channel?: string }) => {
        await run(client(), terminal, { factory, channel });
      },
    );
  }
  reader("verify", "the whole chain, the online roles and the audit log")
    .option(
      "--devices-elsewhere",
      "leave out the online roles: devices have a host of their own",
      false,
    )
    .action(async (options: { factory: string; channel?: string; devicesElsewhere: boolean }) => {
      const { factory, channel, devicesElsewhere } = options;
      await rootVerify(client(), terminal, { factory, channel, devicesElsewhere });
    });
  command("review", "the root update in progress: what it changes, and what is missing").action(
    async ({ factory }: { factory: string }) => rootReview(client(), terminal, factory),
  );
  command("apply", "make the staged roots current, all at once")
    .option("--txid <id>", "of a root update that another token started", "")
    .action(async ({ factory, txid }: { factory: string; txid: string }) =>
      rootApply(client(), terminal, factory, txid),
    );
  command("cancel", "drop the staged roots").action(async ({ factory }: { factory: string }) =>
    rootCancel(client(), terminal, factory),
  );
}
