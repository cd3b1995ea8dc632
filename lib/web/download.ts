/**
 * The download page: the one screen that every owner sees. It loads nothing from anywhere else and
 * does nothing by itself: opening the link shows what will happen, a press of the button claims.
 *
 * Order matters. What the browser must be able to do is checked before the claim. The bytes stay in
 * the page, to be saved again as often as wanted. The confirmation, which destroys the service's
 * copy for ever, is a second deliberate step: the owner picks the saved file, the page reads it back
 * and compares its hash, and only then offers to confirm. A reload continues the same claim.
 */
import * as v from "valibot";
import { claimAnswer, confirmAnswer, type ClaimAnswer } from "../delivery/claim.ts";
import { deliveryId, parseSecret } from "../delivery/link.ts";
import { openArchive } from "../delivery/sealing.ts";
import { fromBase64Url, sha256, toBase64Url } from "../tuf/bytes.ts";

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`page has no element ${id}`);
  return found;
}

/** Shows one of the page's sections and moves focus to its heading, for keyboard and reader. */
function show(section: string): void {
  for (const part of document.querySelectorAll("main > section")) {
    part.toggleAttribute("hidden", part.id !== section);
  }
  element(section).querySelector("h2")?.focus();
}

function say(id: string, text: string): void {
  element(id).textContent = text;
}

function fail(message: string, canRetry: boolean): void {
  say("problem-text", message);
  element("retry").toggleAttribute("hidden", !canRetry);
  show("problem");
}

/**
 * The claimant is drawn once per link and browser, so that a reload, another tab or a restarted
 * browser continues the claim. Without the link it is of no use.
 */
function claimantFor(id: string): string {
  const name = `rootward claimant ${id}`;
  const known = localStorage.getItem(name);
  if (known !== null) return known;
  const drawn = toBase64Url(crypto.getRandomValues(new Uint8Array(24)));
  localStorage.setItem(name, drawn);
  return drawn;
}

async function post(path: string, body: unknown): Promise<unknown> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  const told = v.safeParse(v.object({ message: v.string() }), answer);
  throw new Error(told.success ? told.output.message : `the service answered ${response.status}`);
}

interface Held {
  readonly claim: ClaimAnswer;
  readonly archive: Uint8Array<ArrayBuffer>;
}

async function fetchArchive(id: string, claimant: string, secret: Uint8Array): Promise<Held> {
  say("progress", "Claiming the link…");
  const claim = v.parse(claimAnswer, await post("/download/claim", { id, claimant }));
  say("progress", "Fetching the sealed archive…");
  const response = await fetch(claim.archiveUrl);
  if (!response.ok) throw new Error("the archive could not be fetched: try again");
  const object = new Uint8Array(await response.arrayBuffer());
  say("progress", "Opening and checking it…");
  const share = fromBase64Url(claim.share) ?? new Uint8Array();
  const archive = new Uint8Array(await openArchive(object, { secret, share }));
  if (sha256(archive) !== claim.sha256) throw new Error("the archive is damaged: try again");
  return { claim, archive };
}

function save({ claim, archive }: Held): void {
  const url = URL.createObjectURL(new Blob([archive], { type: "application/gzip" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = claim.filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Lets the owner prove that the file is there: picked, read back, compared. */
function offerReadBack({ claim }: Held): void {
  const input = element("saved-file");
  const confirmButton = element("confirm");
  input.addEventListener("change", () => {
    void (async () => {
      const file = input instanceof HTMLInputElement ? input.files?.[0] : undefined;
      if (file === undefined) return;
      const fits = sha256(new Uint8Array(await file.arrayBuffer())) === claim.sha256;
      confirmButton.toggleAttribute("disabled", !fits);
      say(
        "read-back",
        fits
          ? "This is the archive, complete and undamaged."
          : "This file is not the archive. Pick the one that was just saved, or save it again.",
      );
    })();
  });
  element("say-so").addEventListener("change", (event) => {
    const { target } = event;
    const checked = target instanceof HTMLInputElement && target.checked;
    confirmButton.toggleAttribute("disabled", !checked);
  });
}

async function confirmHeld(id: string, claimant: string, { claim }: Held): Promise<void> {
  const answer = v.parse(
    confirmAnswer,
    await post("/download/confirm", { id, claimant, sha256: claim.sha256 }),
  );
  say("done-factory", claim.factory);
  say("done-time", answer.confirmedAt);
  say("done-sha256", claim.sha256);
  const token = answer.ownerToken ?? "(shown in the first answer only)";
  say(
    "done-commands",
    `export ROOTWARD_SERVER=${location.origin}\n` +
      `export ROOTWARD_TOKEN=${token}\n` +
      `rootward keys rotate ${claim.filename}`,
  );
  show("done");
}

/** Runs an action of a button: once at a time, and a failure is shown where it can be retried. */
function onPress(id: string, action: () => Promise<void>): void {
  const button = element(id);
  button.addEventListener("click", () => {
    button.setAttribute("disabled", "");
    void action()
      .catch((error: unknown) => {
        fail(error instanceof Error ? error.message : "something went wrong", true);
      })
      .finally(() => button.removeAttribute("disabled"));
  });
}

function start(): void {
  const secret = parseSecret(location.hash.slice(1));
  if (secret === null) {
    fail("This link is not complete. Copy it whole, to its last character.", false);
    return;
  }
  if (!isSecureContext || typeof crypto.subtle === "undefined") {
    fail(
      "This browser cannot open the archive here (it needs HTTPS and WebCrypto). Nothing was " +
        "used up: open the link in a current browser.",
      false,
    );
    return;
  }
  const id = deliveryId(secret);
  const claimant = claimantFor(id);
  let held: Held | null = null;
  /** What "Try again" does: whatever failed last. */
  let retry: () => Promise<void>;
  const fetchAndSave = async (): Promise<void> => {
    retry = fetchAndSave;
    show("working");
    held = await fetchArchive(id, claimant, secret);
    say("file-name", held.claim.filename);
    say("lease", held.claim.leaseUntil);
    say("sha256", held.claim.sha256);
    offerReadBack(held);
    save(held);
    show("saved");
  };
  const confirmSaved = async (): Promise<void> => {
    retry = confirmSaved;
    if (held !== null) await confirmHeld(id, claimant, held);
  };
  onPress("download", fetchAndSave);
  onPress("retry", () => retry());
  onPress("save-again", async () => {
    if (held !== null) save(held);
  });
  onPress("confirm", confirmSaved);
  show("ready");
}

start();
