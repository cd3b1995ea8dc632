/** How far a download is. */
import type { Progress } from "./delivery.ts";
import { element, say } from "./dom.ts";

const STEPS: Readonly<Record<Progress["step"], string>> = {
  claiming: "Claiming the link…",
  fetching: "Fetching the sealed archive…",
  opening: "Opening it…",
  checking: "Checking what is in it…",
};

export function showProgress(progress: Progress): void {
  const words = STEPS[progress.step];
  // Screen readers announce a step once; bytes are for the eye.
  if (element("working-step").textContent !== words) say("working-step", words);
  const bar = element("working-bar");
  if (progress.step === "claiming") {
    bar.setAttribute("value", "0");
    say("working-bytes", "");
  } else if (progress.step === "fetching") {
    bar.setAttribute("max", String(progress.total));
    bar.setAttribute("value", String(progress.bytes));
    const [bytes = "", total = ""] = [progress.bytes, progress.total].map((count) =>
      count.toLocaleString("en"),
    );
    say("working-bytes", `${bytes} of ${total} bytes`);
  }
}
