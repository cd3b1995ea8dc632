/** The command that opens an archive which is encrypted to a certificate, for the CLI and the download page. */
import { command, pathWord } from "../text/command.ts";
import type { Line } from "../text/line.ts";

/** Where the opened archive will lie. */
export function openedName(file: string): string {
  return file.endsWith(".p7m") ? file.replace(/\.p7m$/, "") : `${file}.opened.tgz`;
}

/**
 * @param key the file with the private key
 * @returns null where a name has no safe form
 */
export function openCommand(file: string, key: string): Line | null {
  const open = [pathWord(file), pathWord(key)] as const;
  if (file.endsWith(".p7m")) return command`rootward keys open ${open[0]} --key ${open[1]}`;
  return command`rootward keys open ${open[0]} --key ${open[1]} -o ${pathWord(openedName(file))}`;
}
