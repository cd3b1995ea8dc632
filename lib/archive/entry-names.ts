/**
 * The names in an archive. It is unpacked by other tools and on other systems, so each name is a
 * relative path that stays below the folder it is unpacked in, and no two are one file anywhere.
 *
 * An archive with any other name is refused whole, before anything reads or rewrites it. Leaving such
 * an entry out could lose the only copy of a private key; writing it again would pass a trap on.
 */
import { RootwardError } from "../error.ts";
import { cleaned, isPlain } from "../text/line.ts";
import { equalBytes } from "../tuf/bytes.ts";

/** Where our own entries lie: trust.ts. */
export const OWN_FOLDER = "tufrepo/rootward";

const MAX_NAME = 255;

/** The prefix that `tar` puts before names when it packs a folder from inside. */
function withoutDot(name: string): string {
  return name.replace(/^(?:\.\/+)+/, "");
}

/**
 * Takes the files of an archive in its order.
 *
 * @returns each file once; the same name twice with the same bytes is one file
 * @throws RootwardError `archive-invalid` that names the entry
 */
export function distinctFiles(
  files: Iterable<readonly [name: string, body: Uint8Array]>,
): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const folded = new Map<string, string>();
  for (const [written, body] of files) {
    const name = withoutDot(written);
    const wrong = wrongName(name);
    if (wrong !== null) throw refused(written, wrong);
    const same = found.get(name);
    if (same !== undefined && !equalBytes(same, body)) {
      throw refused(name, "is there twice, with different contents");
    }
    const key = fold(name);
    const other = folded.get(key) ?? name;
    if (other !== name) throw refused(name, `is one file with ${shown(other)} on some systems`);
    folded.set(key, name);
    found.set(name, body);
  }
  return found;
}

/** @returns what is wrong with a name, null if nothing is */
function wrongName(name: string): string | null {
  if (name === "" || name.length > MAX_NAME)
    return `expected a name of 1 to ${MAX_NAME} characters`;
  if (!isPlain(name)) return "has characters that are not drawn";
  if (name.includes("\\") || /^[A-Za-z]:/.test(name)) return "is a path of Windows";
  if (name.startsWith("/")) return "is an absolute path";
  const segments = name.split("/");
  if (segments.includes("..")) return "leads out of its folder";
  if (segments.some((segment) => segment === "" || segment === ".")) return "is no plain path";
  if (fold(name).startsWith(`${OWN_FOLDER}/`) && !name.startsWith(`${OWN_FOLDER}/`)) {
    return `looks like one of rootward's own in ${OWN_FOLDER}`;
  }
  return null;
}

/** As file systems compare that know no case, or one form of each letter. */
function fold(name: string): string {
  return name.normalize("NFKC").toLowerCase().normalize("NFKC");
}

function shown(name: string): string {
  return JSON.stringify(cleaned(name, 100));
}

function refused(name: string, wrong: string): RootwardError {
  return new RootwardError(
    "archive-invalid",
    `archive entry ${shown(name)} ${wrong}; nothing was read or changed, so that no key is lost: ` +
      "pack the archive again without such a name (docs/operations.md)",
  );
}
