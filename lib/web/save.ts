/** Hands the file to the browser, which saves it where it saves downloads. */
import type { Held } from "./delivery.ts";

/** How long a browser may take to ask where. */
const KEPT_MS = 10 * 60_000;

export function save({ claim, bytes }: Held): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = claim.filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
