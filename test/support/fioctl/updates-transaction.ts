/** `keys tuf updates init | review | apply | cancel`: the life of a root update. */
import { existsSync } from "node:fs";
import { applyUpdates, cancelUpdates, getUpdates, initUpdates, type Note } from "./api.ts";
import { decodeRoot, encodeCanonically, type TufRoot } from "./documents.ts";
import { GoError, statusOf } from "./go-error.ts";
import { indent } from "./json-reader.ts";
import { saveArchive } from "./key-archive.ts";
import type { Shell } from "./shell.ts";
import { prodOf, readRoots } from "./staged-root.ts";
import { diffLines } from "./diff-lines.ts";

export interface InitArgs {
  readonly changelog: string;
  /** Fetches the first root key into `keys`, which must not be there yet. */
  readonly firstTime?: boolean;
  readonly keys?: string;
}

export async function init(shell: Shell, args: InitArgs): Promise<void> {
  const { changelog, firstTime = false, keys } = args;
  if (firstTime && (keys === undefined || existsSync(keys))) {
    throw new GoError(
      "Destination file exists.\n" +
        "Please make sure you aren't accidentally overwriting another Factory's keys",
    );
  }
  const shortcut = shell.shortcut !== "no";
  const started = await initUpdates(shell.client, { message: changelog, firstTime, shortcut });
  if (shortcut) {
    shell.shortcut = "initialized";
  } else {
    shell.print(
      "A new transaction to update TUF root keys started.\n" +
        `Your transaction ID is ${started.txid} .\n` +
        "Please, keep it secret and only share with participants of the transaction.\n" +
        "Only the user who initiated the transaction can make changes to it without the transaction ID.\n" +
        "Other users are required to supply this transaction ID for all commands except review and cancel.",
    );
  }
  if (!firstTime || keys === undefined) return;
  const halves = ["sec", "pub"] as const;
  const entries = halves.map((half) => {
    const text = started[`first_root.${half}`] ?? "";
    return [`tufrepo/keys/first-root.${half}`, Buffer.from(text)] as const;
  });
  saveArchive(keys, new Map(entries));
}

export interface ReviewArgs {
  readonly show?: "raw" | "diff";
  readonly prod?: boolean;
}

export async function review(shell: Shell, { show, prod = false }: ReviewArgs): Promise<void> {
  if (prod && show === undefined) {
    throw new GoError(
      "If the flag 'prod' is set then one of the flags [raw diff] must also be set",
    );
  }
  const updates = await getUpdates(shell.client);
  const roots = readRoots(updates);
  if (show === undefined) {
    summarize(shell, updates.status, updates.amendments, updates.issues);
    return;
  }
  if (updates.status === "NONE" || roots.ci === null) {
    throw new GoError("There are no TUF root updates in progress.");
  }
  const after = prod ? (roots.prod ?? prodOf(roots.ci)) : roots.ci;
  if (show === "raw") {
    shell.print(pretty(after));
    return;
  }
  const source = updates.current?.["prod-root"] ?? "";
  // Before the first rotation there may be no prod root; the ci root stands in for it.
  const before = prod && source !== "" ? decodeRoot(source) : roots.current;
  diffLines(pretty(before).split("\n"), pretty(after).split("\n")).forEach(shell.print);
}

function pretty(root: TufRoot): string {
  return indent(encodeCanonically(root));
}

function summarize(
  shell: Shell,
  status: string,
  amendments: readonly Note[] | null,
  issues: { readonly errors: readonly Note[] | null; readonly warnings: readonly Note[] | null },
): void {
  const list = (heading: string, notes: readonly Note[] | null): void => {
    if (notes === null || notes.length === 0) return;
    shell.print(heading);
    for (const { message } of notes) shell.print(` - ${message}`);
  };
  if (status === "NONE") {
    shell.print("There are no TUF root updates in progress.");
    list("\nThese updates to your existing TUF metadata are recommended:", issues.warnings);
    return;
  }
  shell.print("The following TUF root updates are staged for your Factory:");
  for (const { message } of amendments ?? []) shell.print(` - ${message}`);
  list("\nThese updates to your staged TUF root are mandatory before applying it:", issues.errors);
  list("\nThese updates to your staged TUF root are recommended:", issues.warnings);
  shell.print(
    status === "APPLYING"
      ? "\nThese changes are currently being applied. No more changes can be staged.\n" +
          "If the previous 'fioctl keys tuf updates apply' command failed, please, try to run it again."
      : "\nOnce your are satisfied with your TUF updates, please, run 'fioctl keys tuf updates apply'.\n" +
          "If you want to cancel staged TUF updates, please, run 'fioctl keys tuf updates cancel'.",
  );
}

export interface Txid {
  /** "" unless given: only whoever began the root update may leave it out. */
  readonly txid?: string;
}

/** Statuses that promise that nothing was changed. */
const SAFE = [400, 401, 403, 422, 423];

export async function apply(shell: Shell, { txid = "" }: Txid = {}): Promise<void> {
  shell.shortcut = "no";
  try {
    await applyUpdates(shell.client, txid);
  } catch (error) {
    if (!(error instanceof GoError)) throw error;
    const status = statusOf(error);
    if (status === 404 && (await nothingStaged(shell))) {
      throw new GoError("There are no TUF root updates in progress.");
    }
    const end =
      status !== null && SAFE.includes(status)
        ? "No changes were made to your Factory.\n" +
          "There are two options available for you now:\n" +
          '- fix the errors listed above and run the "fioctl keys tuf updates apply" again.\n' +
          '- cancel the staged TUF root updates using the "fioctl keys tuf updates cancel"'
        : "\nThis is a critical error: Staged TUF root updates may be only partially applied to your Factory.\n" +
          'Please re-run the "fioctl keys tuf updates apply" soon after a short pause.\n' +
          "If the error persists, please contact customer support.";
    throw new GoError(`Failed to apply staged TUF root updates:\n${error.message}\n${end}`);
  }
  shell.print(
    "The staged TUF root updates were applied to your Factory.\n" +
      "Please, make sure that the updated TUF keys file(s) are stored in a safe place.",
  );
}

async function nothingStaged(shell: Shell): Promise<boolean> {
  try {
    return (await getUpdates(shell.client)).status === "NONE";
  } catch (error) {
    if (error instanceof GoError) return false;
    throw error;
  }
}

export async function cancel(shell: Shell): Promise<void> {
  await cancelUpdates(shell.client);
  shell.print(
    "The staged TUF root updates were canceled.\nNo other changes were made to your Factory.",
  );
}
