/** Flags of the embedded form that are environment variables too, with the names of both. */
import { Option } from "commander";

/** @param flags as commander takes them; `--data <dir>` is also ROOTWARD_DATA */
export function flag(flags: string, description: string): Option {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? "";
  return new Option(flags, description).env(`ROOTWARD_${name.toUpperCase().replaceAll("-", "_")}`);
}

export const KEY_FILE = ["--master-key-file <file>", "seals the keys"] as const;

export function onlineKeysFlag(): Option {
  return flag(
    "--online-keys <rules>",
    "where new ones are kept: FACTORY/ROLE=sealed|kms, * for any, comma between, the last one counts",
  ).default("", "all sealed");
}
