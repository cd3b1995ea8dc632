/** The result of a confirmation for the owner, and the command to run next. */
import type { ConfirmAnswer } from "../delivery/claim.ts";
import { nextCommands } from "./commands.ts";
import { element, hide, make, say, sayResult, show } from "./dom.ts";
import { moment } from "./moment.ts";

export interface Confirmed {
  readonly answer: ConfirmAnswer;
  readonly sha256: string;
  /** The file as the owner saved it. */
  readonly filename: string;
  /** The service's name of the file. */
  readonly delivered: string;
  /** Null where the file is encrypted to the owner's certificate. */
  readonly keyids: readonly string[] | null;
  /** Whether this page still has the bytes. */
  readonly held: boolean;
}

const TOLD =
  "The owner token in it is shown once, here and now. Keep it like a password: anybody who has it may " +
  "publish targets for your Factory and send it roots, though only your root key can sign those.";
const NOT_TOLD =
  "The owner token was in an earlier answer only. If you do not have it, the person who provisioned the " +
  "Factory can make another one: put it in the second line.";

export function showDone(confirmed: Confirmed): void {
  const { answer, sha256, filename, delivered, keyids, held } = confirmed;
  const ownerToken = answer.ownerToken ?? null;
  const encrypted = keyids === null;
  say("done-factory", answer.factory);
  say("done-time", moment(answer.confirmedAt));
  say("done-sha256", sha256);
  say(
    "done-keys-about",
    encrypted
      ? "The root keys are inside, where this page cannot look."
      : "The archive holds the private half of every root key of root version 1:",
  );
  element("done-keys").replaceChildren(...(keyids ?? []).map((keyid) => make("code", keyid)));
  hide("save-copy", !held);
  const steps = { server: location.origin, ownerToken, encrypted };
  const commands = nextCommands({ ...steps, filename });
  say("done-next", commands === null ? renameTo(delivered) : "Run this in the folder of the file.");
  say("done-commands", commands ?? nextCommands({ ...steps, filename: delivered }) ?? "");
  say("done-token", ownerToken === null ? NOT_TOLD : TOLD);
  show("done");
}

function renameTo(delivered: string): string {
  return (
    "The name of your file has characters that are not safe in a command. Rename it to " +
    `${delivered}, then run this in its folder.`
  );
}

/** Copies the commands; where the browser does not let the page, they are selected. */
export async function copyCommands(): Promise<void> {
  const commands = element("done-commands");
  try {
    await navigator.clipboard.writeText(commands.textContent);
    sayResult("copied", "Copied.", "right");
  } catch {
    getSelection()?.selectAllChildren(commands);
    sayResult("copied", "Selected: copy it with your keyboard or menu.", "plain");
  }
}
