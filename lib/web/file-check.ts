/**
 * Whether the owner may confirm. The confirmation destroys the service's copy, so it wants a
 * deliberate act: the saved file read back and found right, or the owner's plain word. The last act
 * counts: a file that is picked takes the word back, and the word sets a picked file aside unless
 * that file is the right one.
 */

export interface FileCheck {
  readonly picked: "none" | "reading" | "right" | "wrong" | "unreadable";
  readonly saysSo: boolean;
}

export type Act =
  | { readonly kind: "picked"; readonly found: Exclude<FileCheck["picked"], "none"> }
  /** The file was taken back. */
  | { readonly kind: "cleared" }
  | { readonly kind: "said"; readonly saysSo: boolean };

export const UNCHECKED: FileCheck = { picked: "none", saysSo: false };

export function afterAct(check: FileCheck, act: Act): FileCheck {
  switch (act.kind) {
    case "picked":
      return { picked: act.found, saysSo: false };
    case "cleared":
      return { ...check, picked: "none" };
    case "said":
      return {
        picked: act.saysSo && check.picked !== "right" ? "none" : check.picked,
        saysSo: act.saysSo,
      };
  }
}

export function mayConfirm({ picked, saysSo }: FileCheck): boolean {
  return picked === "right" || (picked === "none" && saysSo);
}
