/**
 * The download page: the one screen that every owner sees. It loads nothing from anywhere else and
 * does nothing by itself: opening the link shows what will happen, a press of the button claims.
 *
 * Order matters. The abilities that the page needs of the browser are tried before the claim. The bytes
 * stay in the page, to be saved again as often as wanted. The confirmation, which destroys the service's
 * copy for ever, is a second deliberate step.
 */
import { deliveryId, parseSecret } from "../delivery/link.ts";
import { openMemory } from "./claim-memory.ts";
import { missingHere } from "./needs.ts";
import { showNotice } from "./notice-section.ts";
import { brokenLink, finished, lacking, noticeFor } from "./notices.ts";
import { Visit } from "./visit.ts";

// Safari lacked it until version 26; within one page they are the same.
const errors: { isError?: (value: unknown) => boolean } = Error;
errors.isError ??= (value) => value instanceof Error;

async function start(): Promise<void> {
  const text = location.hash.slice(1);
  const secret = parseSecret(text);
  if (secret === null) {
    showNotice(brokenLink(text));
    return;
  }
  const missing = await missingHere();
  if (missing.length > 0) {
    showNotice(lacking(missing));
    return;
  }
  const id = deliveryId(secret);
  const memory = await openMemory(id);
  const note = await memory.known();
  const confirmedAt = note?.confirmedAt ?? null;
  if (confirmedAt !== null) showNotice(finished(confirmedAt));
  else new Visit({ id, secret, memory, began: note !== null }).start();
}

// Another link in the same window is another visit.
addEventListener("hashchange", () => location.reload());
// A page that the browser kept aside would show the token to anybody who goes back to it.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});
start().catch((error: unknown) => showNotice(noticeFor(error, "claim", false)));
