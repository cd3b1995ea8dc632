/**
 * One visit with a whole link in a browser that can do it all: what each press leads to. Until the
 * confirmation is answered, everything can be done again by the same claimant: after trouble on the
 * way, after a reload, in another tab.
 */
import { deliveredName } from "../delivery/claim.ts";
import { CheckSection } from "./check-section.ts";
import type { ClaimMemory } from "./claim-memory.ts";
import { download, type Held } from "./delivery.ts";
import { copyCommands, showDone } from "./done-section.ts";
import { hide, onPress, say, show } from "./dom.ts";
import { showNotice } from "./notice-section.ts";
import { finished, noticeFor } from "./notices.ts";
import { save } from "./save.ts";
import { confirmLink } from "./service.ts";
import { showProgress } from "./working-section.ts";

export interface Link {
  readonly id: string;
  readonly secret: Uint8Array;
  readonly memory: ClaimMemory;
  /** Whether this browser asked for the link before this visit. */
  readonly began: boolean;
}

export class Visit {
  readonly #link: Link;
  readonly #check = new CheckSection();
  #claimant: string | null = null;
  #held: Held | null = null;
  #confirmed = false;

  constructor(link: Link) {
    this.#link = link;
  }

  start(): void {
    /** The action of "Try again": the step that failed last. */
    let last = (): Promise<void> => this.#fetchAndSave();
    const fetchAndSave = (): Promise<void> => (last = () => this.#fetchAndSave())();
    const confirm = (): Promise<void> => (last = () => this.#confirm())();
    onPress("download", fetchAndSave);
    onPress("continue", fetchAndSave);
    onPress("confirm", confirm);
    onPress("retry", () => last());
    onPress("back", () => show("check"));
    onPress("pick-instead", () => this.#check.show(this.#held));
    for (const id of ["save-again", "save-copy"]) {
      onPress(id, () => {
        if (this.#held !== null) save(this.#held);
      });
    }
    onPress("copy", copyCommands);
    addEventListener("beforeunload", (event) => {
      if (this.#held !== null && !this.#confirmed) event.preventDefault();
    });
    hide("forgetful", this.#link.memory.lasting);
    show(this.#link.began ? "again" : "ready");
  }

  async #fetchAndSave(): Promise<void> {
    const { id, secret, memory, began } = this.#link;
    show("working");
    try {
      const note = await memory.begin();
      if (note.confirmedAt !== null) {
        showNotice(finished(note.confirmedAt));
        return;
      }
      this.#claimant = note.claimant;
      this.#held = await download({ id, claimant: note.claimant }, secret, showProgress);
    } catch (error) {
      showNotice(noticeFor(error, "claim", began));
      return;
    }
    save(this.#held);
    this.#check.show(this.#held);
  }

  async #confirm(): Promise<void> {
    const { picked } = this.#check;
    const [held, claimant] = [this.#held, this.#claimant];
    const sha256 = picked?.sha256 ?? held?.claim.sha256;
    if (!this.#check.mayConfirm || sha256 === undefined || claimant === null) return;
    const { id, memory } = this.#link;
    this.#check.freeze(true);
    say("confirm-step", "Confirming: the service destroys its copy…");
    try {
      const answer = await confirmLink({ id, claimant }, sha256);
      this.#confirmed = true;
      const keyids = picked === null ? (held?.keyids ?? null) : picked.keyids;
      const delivered = deliveredName(answer.factory, keyids === null);
      const filename = picked?.name ?? delivered;
      showDone({ answer, sha256, filename, delivered, keyids, held: held !== null });
      // Nobody is to keep a dead link; before, a reload had to find it here.
      history.replaceState(null, "", location.pathname);
      await memory.finish(answer.confirmedAt).catch(() => undefined);
    } catch (error) {
      showNotice(noticeFor(error, "confirm", false), true);
    } finally {
      this.#check.freeze(false);
      say("confirm-step", "");
    }
  }
}
