/** What the owner pastes into a shell next. Whatever a file is called, the block means what it says. */

export interface NextSteps {
  readonly server: string;
  /** Null where an earlier answer had it. */
  readonly ownerToken: string | null;
  /** The file as the owner saved it. */
  readonly filename: string;
  /** Whether it is encrypted to the owner's certificate. */
  readonly encrypted: boolean;
}

/** Lines for bash, to be run in the folder of the file. */
export function nextCommands({ server, ownerToken, filename, encrypted }: NextSteps): string {
  const archive = encrypted ? filename.replace(/\.p7m$/, "") : filename;
  return [
    `export ROOTWARD_SERVER=${shellWord(server)}`,
    `export ROOTWARD_TOKEN=${shellWord(ownerToken ?? "your owner token")}`,
    ...(encrypted ? [openCommand(filename)] : []),
    `rootward keys rotate ${fileWord(archive)}`,
  ].join("\n");
}

/** Opens an archive that is encrypted to a certificate. */
export function openCommand(filename: string): string {
  return `rootward keys open ${fileWord(filename)} --key PRIVATE-KEY.pem`;
}

/** The same without our tool. */
export function opensslCommand(filename: string): string {
  const archive = filename.replace(/\.p7m$/, "");
  return (
    `openssl cms -decrypt -inform DER -in ${fileWord(filename)} ` +
    `-inkey PRIVATE-KEY.pem -out ${fileWord(archive)}`
  );
}

/** A file name that is never taken for an option. */
function fileWord(name: string): string {
  return shellWord(name.startsWith("-") ? `./${name}` : name);
}

/** `text` as one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
