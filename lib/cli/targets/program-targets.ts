/** `rootward targets`: the commands, their flags and help texts. */
import { Option, type Command } from "commander";
import type { Client } from "../client.ts";
import { targetsList } from "./targets-list.ts";
import { targetsAdd, targetsRemove } from "./targets.ts";
import type { Terminal } from "../terminal.ts";

const NO_FILES = `
Targets are what devices may install. Only metadata is published: name, length and hashes, signed by
the service for channel main (tuf) or ci (ats). The files themselves stay with you: put them where
your devices download them, before you publish.`;

export function addTargets(program: Command, terminal: Terminal, client: () => Client): void {
  const targets = program
    .command("targets")
    .description("what devices may install: publish names, lengths and hashes of files")
    .addHelpText("after", NO_FILES);
  const command = (name: string, description: string): Command =>
    targets
      .command(name)
      .description(description)
      .addOption(
        new Option("--factory <name>", "the Factory").env("ROOTWARD_FACTORY").makeOptionMandatory(),
      );
  command("add", "hash files here, and publish them as targets: all at once, or none")
    .argument("<file...>", "the files; a target of the same name is replaced")
    .option("--name <name>", "what the target is called (default: the file's own name); one file")
    .option("--prefix <path>", "before each name, with a / between")
    .option("--custom <json>", "an object for devices to read: JSON, or @FILE with JSON in it")
    .option("--sha512", "SHA-512, too")
    .addHelpText("after", NO_FILES)
    .action(async (files: readonly string[], options: AddFlags) => {
      const { factory, name, prefix, custom, sha512 = false } = options;
      await targetsAdd(client(), terminal, { factory, files, name, prefix, custom, sha512 });
    });
  command("list", "the targets in force").action(async ({ factory }: { factory: string }) =>
    targetsList(client(), terminal, factory),
  );
  command("remove", "take targets out; devices keep what they have installed")
    .argument("<name...>", "the targets' names; one that is not there is told, and is no error")
    .action(async (names: readonly string[], { factory }: { factory: string }) =>
      targetsRemove(client(), terminal, { factory, names }),
    );
}

interface AddFlags {
  readonly factory: string;
  readonly name?: string;
  readonly prefix?: string;
  readonly custom?: string;
  readonly sha512?: true;
}
