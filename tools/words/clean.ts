/** Files and folders that keep the rules. A change that cleans others adds them. */
export const CLEAN: readonly string[] = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "docs/README.md",
  "docs/api.md",
  "docs/architecture.md",
  "docs/cost.md",
  "docs/delivery.md",
  "docs/deploy.md",
  "docs/differences.md",
  "docs/fioctl.md",
  "docs/operations.md",
  "docs/rights.md",
  "docs/root-rules.md",
  "docs/runbook.md",
  "docs/targets.md",
  "docs/threat-model.md",
  "bench",
  "bin",
  "demo",
  "interop",
  "lambdas",
  "lib",
  "tools",
];

/** Parts of sentences that break a rule for a reason, by file. */
export const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {};
