/** The page's elements, its sections, and what a press does. Text is only ever set as text. */

export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`page has no element ${id}`);
  return found;
}

export function input(id: string): HTMLInputElement {
  const found = element(id);
  if (found instanceof HTMLInputElement) return found;
  throw new Error(`page has no input ${id}`);
}

export function say(id: string, text: string): void {
  element(id).textContent = text;
}

/** Puts a result where screen readers announce it. */
export function sayResult(id: string, text: string, tone: "right" | "wrong" | "plain"): void {
  say(id, text);
  element(id).dataset["tone"] = tone;
}

export function hide(id: string, hidden = true): void {
  element(id).toggleAttribute("hidden", hidden);
}

export function disable(id: string, disabled: boolean): void {
  element(id).toggleAttribute("disabled", disabled);
}

export function make(tag: "p" | "h3" | "ul" | "li" | "code", text = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/**
 * Shows one section and no other. Its heading gets the focus and names the page, so that keyboard
 * and reader are where the eye is.
 */
export function show(section: string): void {
  for (const part of document.querySelectorAll("main > section")) {
    part.toggleAttribute("hidden", part.id !== section);
  }
  const heading = element(section).querySelector("h2");
  if (heading === null) return;
  document.title = `${heading.textContent.trim()} · Your root key archive`;
  heading.focus();
  scrollTo(0, 0);
}

/** Runs the action of a button, once at a time. */
export function onPress(id: string, action: () => Promise<void> | void): void {
  let busy = false;
  element(id).addEventListener("click", () => {
    if (busy) return;
    busy = true;
    void Promise.resolve(action()).finally(() => {
      busy = false;
    });
  });
}
