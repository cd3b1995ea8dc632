/** The one answer to a file that is there already where a command would write. */
import { RootwardError } from "../../error.ts";

/** @param done what the command did not do because of it, or what it found */
export function inTheWay(path: string, done: string): RootwardError {
  return new RootwardError(
    "file-exists",
    `${path} exists already${done}: move it away, or name another file with -o`,
  );
}
