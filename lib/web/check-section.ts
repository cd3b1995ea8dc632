/**
 * The second deliberate step: the owner shows the saved file, or says to have it. Which acts allow
 * the confirmation is file-check.ts; here they are read from the page.
 */
import { openCommands } from "./commands.ts";
import { readBack, readUnclaimed, type Held, type PickedFile } from "./delivery.ts";
import { disable, element, hide, input, say, sayResult, show } from "./dom.ts";
import { afterAct, mayConfirm, UNCHECKED, type Act, type FileCheck } from "./file-check.ts";
import { moment } from "./moment.ts";

type Found = FileCheck["picked"];

const RESULTS: Readonly<Record<Found, readonly [string, "right" | "wrong" | "plain"]>> = {
  none: ["", "plain"],
  reading: ["Reading it back…", "plain"],
  right: ["This is the archive, complete and undamaged.", "right"],
  wrong: [
    "This file is not the archive. Pick the file that was saved, not what is in it; or save it again.",
    "wrong",
  ],
  unreadable: ["This file could not be read. Pick it once more, or save it again.", "wrong"],
};

export class CheckSection {
  #check = UNCHECKED;
  #held: Held | null = null;
  #picked: PickedFile | null = null;
  /** Counts picks: the bytes of an earlier pick are ignored. */
  #picks = 0;

  constructor() {
    input("picked").addEventListener("change", () => void this.#pick());
    input("says-so").addEventListener("change", () => {
      this.#act({ kind: "said", saysSo: input("says-so").checked });
    });
  }

  /** The file that was picked and found right. */
  get picked(): PickedFile | null {
    return this.#check.picked === "right" ? this.#picked : null;
  }

  get mayConfirm(): boolean {
    return mayConfirm(this.#check);
  }

  /** @param held null where only a file that is here already can be confirmed */
  show(held: Held | null): void {
    this.#held = held;
    this.#picks += 1;
    this.#picked = null;
    this.#check = UNCHECKED;
    hide("check-held", held === null);
    hide("check-unheld", held !== null);
    hide("check-word", held === null);
    hide("check-sealed", held?.keyids !== null);
    if (held !== null) this.#tell(held);
    this.#draw();
    show("check");
  }

  #tell({ claim }: Held): void {
    say("check-name", claim.filename);
    say("check-lease", moment(claim.leaseUntil));
    say("check-sha256", claim.sha256);
    say("check-recipient", claim.recipient ?? "");
    const [ours, openssl] = openCommands(claim.filename);
    say("check-open", ours);
    say("check-openssl", openssl);
  }

  async #pick(): Promise<void> {
    this.#picks += 1;
    const pick = this.#picks;
    const file = input("picked").files?.[0];
    if (file === undefined) {
      this.#act({ kind: "cleared" });
      return;
    }
    this.#act({ kind: "picked", found: "reading" });
    const held = this.#held;
    const reading = held === null ? readUnclaimed(file) : readBack(file, held);
    const found = await reading.catch(() => "unreadable" as const);
    if (pick !== this.#picks) return;
    if (found === "unreadable") this.#act({ kind: "picked", found });
    else {
      this.#picked = found;
      this.#act({ kind: "picked", found: found === null ? "wrong" : "right" });
    }
  }

  #act(act: Act): void {
    this.#check = afterAct(this.#check, act);
    // A pick that was set aside is not read to its end.
    if (this.#check.picked === "none") this.#picks += 1;
    this.#draw();
  }

  #draw(): void {
    const { picked, saysSo } = this.#check;
    const [words, tone] = RESULTS[picked];
    const sealed = picked === "right" && this.#held === null && this.#picked?.keyids === null;
    sayResult(
      "picked-result",
      sealed ? "It is encrypted: the service compares its SHA-256 when you confirm." : words,
      tone,
    );
    input("says-so").checked = saysSo;
    hide("check-choice", picked === "right");
    if (picked === "none") input("picked").value = "";
    disable("confirm", !this.mayConfirm);
  }

  /** While a confirmation is under way, nothing here changes. */
  freeze(frozen: boolean): void {
    for (const id of ["picked", "says-so", "save-again"]) disable(id, frozen);
    disable("confirm", frozen || !this.mayConfirm);
    element("check").setAttribute("aria-busy", String(frozen));
  }
}
