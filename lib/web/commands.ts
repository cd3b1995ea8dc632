/**
 * The commands that the owner pastes into a shell next. The owner's own file may have any name: one without
 * a strict form (text/command.ts) is in no command.
 */
import { openCommand, openedName } from "../delivery/open-command.ts";
import { command, pathWord, tokenWord, urlWord, Word } from "../text/command.ts";

const PRIVATE_KEY = "PRIVATE-KEY.pem";

export interface NextSteps {
  readonly server: string;
  /** Null where an earlier answer had it. */
  readonly ownerToken: string | null;
  /** The file as the owner saved it. */
  readonly filename: string;
  /** Whether it is encrypted to the owner's certificate. */
  readonly encrypted: boolean;
}

/**
 * Lines for bash, to be run in the folder of the file.
 *
 * @returns null where the file's name has no safe form
 */
export function nextCommands({
  server,
  ownerToken,
  filename,
  encrypted,
}: NextSteps): string | null {
  const token = ownerToken === null ? Word.quoted("your owner token") : tokenWord(ownerToken);
  const archive = encrypted ? openedName(filename) : filename;
  const lines = [
    command`export ROOTWARD_SERVER=${urlWord(server)}`,
    command`export ROOTWARD_TOKEN=${token}`,
    ...(encrypted ? [openCommand(filename, PRIVATE_KEY)] : []),
    command`rootward keys rotate ${pathWord(archive)}`,
  ];
  return lines.includes(null) ? null : lines.map(String).join("\n");
}

/** The two ways to open an encrypted archive: with our tool and without. */
export function openCommands(filename: string): readonly [ours: string, openssl: string] {
  const openssl = command`openssl cms -decrypt -inform DER -in ${pathWord(filename)} -inkey ${pathWord(PRIVATE_KEY)} -out ${pathWord(openedName(filename))}`;
  return [String(openCommand(filename, PRIVATE_KEY) ?? ""), String(openssl ?? "")];
}
