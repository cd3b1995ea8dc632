/** Shows a notice as a section of its own. */
import { element, hide, make, say, show } from "./dom.ts";
import type { Notice } from "./notices.ts";

/** @param back whether there is a saved file to go back to */
export function showNotice(notice: Notice, back = false): void {
  say("notice-heading", notice.heading);
  const text = notice.paragraphs.map((words) => make("p", words));
  const parts = notice.parts.flatMap(({ heading, lines }) => {
    const list = make("ul");
    list.append(...lines.map((line) => makeLine("li", line)));
    const [only = ""] = lines;
    return [make("h3", heading), lines.length === 1 ? makeLine("p", only) : list];
  });
  element("notice-text").replaceChildren(...text, ...parts);
  hide("notice-retry", notice.way !== "retry");
  hide("back", !back);
  hide("notice-pick", notice.way !== "pick");
  show("notice");
}

/** A line; what stands between backticks is a command. */
function makeLine(tag: "p" | "li", line: string): HTMLElement {
  const made = make(tag);
  for (const [index, text] of line.split("`").entries()) {
    const command = make("code", text);
    command.className = "command";
    made.append(index % 2 === 1 ? command : text);
  }
  return made;
}
