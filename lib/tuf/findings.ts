/**
 * The findings of a verification. Every rule of root ingestion has a named code here, with the number of
 * its rule; a root that breaks several is answered with all of them at once.
 */

/** Code of each finding, with the number of its ingestion rule. */
export const FINDING_RULES = {
  "root-too-large": 1,
  "key-count": 1,
  "foreign-character": 3,
  "envelope-members": 4,
  "signed-members": 5,
  "type-wrong": 7,
  "spec-version": 7,
  "expires-format": 8,
  "expires-passed": 8,
  "expires-too-far": 8,
  "role-missing": 9,
  "role-unknown": 9,
  "role-malformed": 9,
  "threshold-range": 10,
  "keyid-format": 11,
  "keyid-repeated": 11,
  "keyid-without-key": 11,
  "key-unused": 11,
  "keyid-derivation": 12,
  "key-material": 13,
  "private-key": 14,
  "signature-malformed": 15,
  "signature-method": 15,
  "signature-count": 16,
  "signature-repeated": 16,
  "current-threshold": 18,
  "new-threshold": 18,
  "signature-invalid": 19,
  "version-malformed": 20,
  "version-skipped": 20,
  "version-high": 21,
  "online-keys": 22,
  "service-key-in-root": 22,
  "channels-differ": 23,
  "key-owners": 24,
  changelog: 24,
  advice: 25,
  "targets-unsatisfiable": 26,
} as const;

export type FindingCode = keyof typeof FINDING_RULES;

export interface Finding {
  readonly code: FindingCode;
  /** Lower case; names the thing and says what was expected and what came. */
  readonly message: string;
}

/** Collects findings: what refuses, and what only warns. */
export class Findings {
  readonly #errors: Finding[] = [];
  readonly #warnings: Finding[] = [];

  add(code: FindingCode, message: string): void {
    this.#errors.push({ code, message });
  }

  warn(code: FindingCode, message: string): void {
    this.#warnings.push({ code, message });
  }

  addAll(findings: readonly Finding[]): void {
    this.#errors.push(...findings);
  }

  get errors(): readonly Finding[] {
    return this.#errors;
  }

  get warnings(): readonly Finding[] {
    return this.#warnings;
  }
}
