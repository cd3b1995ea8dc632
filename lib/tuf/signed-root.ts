/** Reading an envelope `{"signatures", "signed"}` around a root (rules 1, 4, 14 to 16). */
import { canonicalText, servedBytes } from "./canonical.ts";
import { Findings, type Finding } from "./findings.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import type { KeyId } from "./keys.ts";
import { findPrivateKey } from "./private-key.ts";
import type { RootForms } from "./root-forms.ts";
import { readRoot, wholeRoot, type Root, type RootDraft } from "./root.ts";
import { show, showSome } from "./show.ts";
import { readSignatures, type Signature } from "./signatures.ts";

/** As much of a root as could be read, with its signatures; nothing is verified yet. */
export interface SignedDraft {
  readonly root: RootDraft;
  readonly signatures: readonly Signature[];
}

/** A root that could be read whole, with its signatures; nothing is verified yet. */
export interface SignedRoot extends SignedDraft {
  readonly root: Root;
}

export interface SignedRootReading {
  /** Null where there is nothing that signatures could cover. */
  readonly draft: SignedDraft | null;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Reads an envelope; never throws for what is in it. */
export function readSignedRoot(body: JsonValue, forms: RootForms): SignedRootReading {
  const findings = new Findings();
  const { errors } = findings;
  if (!isJsonObject(body)) {
    findings.add(
      "envelope-members",
      `root: expected an object with signatures and signed, got ${show(body)}`,
    );
    return { draft: null, errors, warnings: [] };
  }
  checkEnvelope(body, forms, findings);
  const reading = readRoot(body["signed"], forms);
  checkPrivateKeys(body, reading.draft?.text, findings);
  const signatures = readSignatures(body["signatures"], forms.dialect, findings);
  findings.addAll(reading.errors);
  const draft = reading.draft && { root: reading.draft, signatures };
  return { draft, errors, warnings: reading.warnings };
}

/** @returns the root with its signatures, or null unless all of its parts could be read */
export function wholeSignedRoot(draft: SignedDraft | null): SignedRoot | null {
  const root = wholeRoot(draft?.root ?? null);
  return draft && root && { root, signatures: draft.signatures };
}

/** The root as it is stored and served, with the signatures of `keyids` only. UTF-8. */
export function encodeSignedRoot(
  { root, signatures }: SignedDraft,
  keyids: ReadonlySet<KeyId>,
): Uint8Array {
  const kept = signatures.filter(({ keyid }) => keyids.has(keyid)).map(({ object }) => object);
  // As encodeJson would write it; `signed` is written already.
  return servedBytes(`{"signatures":${canonicalText(kept)},"signed":${root.text}}`);
}

function checkEnvelope(body: JsonObject, forms: RootForms, findings: Findings): void {
  // Notary TUF-01-001: an unsigned extra field bricked a repository.
  const known = ["signatures", "signed"];
  if (forms.dialect === "ats") known.push("targets-signatures");
  const extra = Object.keys(body).filter((name) => !known.includes(name));
  if (extra.length > 0) {
    findings.add(
      "envelope-members",
      `root: expected the members signatures and signed only, got ${showSome(extra)}`,
    );
  }
}

function checkPrivateKeys(body: JsonObject, text: string | undefined, findings: Findings): void {
  const { signed = null, ...others } = body;
  const secret = findPrivateKey(others, "root") ?? findPrivateKey(signed, "root.signed", text);
  if (secret !== null) {
    findings.add(
      "private-key",
      `${secret} holds a private key: it was not stored, but treat the key as exposed, ` +
        `replace it, and send public keys only`,
    );
  }
}
