/**
 * Our verdicts on a root update, from bytes, as the code that meets them gives them: the service
 * that is sent a root (`service`), whoever follows a chain of ours (`strict`: the signing boundary,
 * the CLI), and the reader of a chain that others published (`lenient`).
 */
import { verifySignature } from "../../../lib/crypto/verify.ts";
import { isRootwardError } from "../../../lib/error.ts";
import { nextInChain, readTrustedRoot } from "../../../lib/tuf/chain.ts";
import { rootLimits } from "../../../lib/tuf/dialect.ts";
import { parseJson } from "../../../lib/tuf/json.ts";
import type { Root } from "../../../lib/tuf/root.ts";
import { judge, readCurrent } from "../../support/tuf/test-factory.ts";
import { FACTORY, type RootCase } from "../corpus/root-case.ts";

export const READERS = ["service", "strict", "lenient"] as const;
export type Reader = (typeof READERS)[number];

/** A finding, or the code of what is answered before any rule is looked at. */
export interface OurFinding {
  readonly code: string;
  readonly message: string;
}

export interface OurVerdict {
  readonly accepts: boolean;
  /** Empty where we accept. */
  readonly findings: readonly OurFinding[];
  /** What devices get of a root that the service accepts. */
  readonly served?: Uint8Array;
}

export function ourVerdict(reader: Reader, one: RootCase): OurVerdict {
  try {
    return reader === "service" ? byService(one) : byChain(reader, one);
  } catch (error) {
    if (!isRootwardError(error)) throw error;
    const { code, message, details } = error;
    return { accepts: false, findings: details.issues ?? [{ code, message }] };
  }
}

const limits = rootLimits("tuf");

function byService({ trusted, candidate, update }: RootCase): OurVerdict {
  const submitted = parseJson(candidate, limits);
  const verdict = judge(FACTORY, null, { current: current(trusted), ...update, submitted });
  switch (verdict.kind) {
    case "accepted":
      return { accepts: true, findings: [], served: verdict.document };
    case "refused":
      return { accepts: false, findings: verdict.errors };
    // Nothing changes: 200 for the current root again, 409 for a version that is taken.
    case "same":
    case "conflict":
      return { accepts: false, findings: [{ code: verdict.kind, message: "" }] };
  }
}

const CHAIN = { dialect: "tuf", channel: "main" } as const;

function byChain(reading: "strict" | "lenient", { trusted, candidate }: RootCase): OurVerdict {
  nextInChain(before(trusted), candidate, { ...CHAIN, reading }, verifySignature);
  return { accepts: true, findings: [] };
}

/** The root that the service has; nobody asks again how it came there. */
const current = remembered((trusted) => readCurrent(parseJson(trusted, limits), "tuf", "main"));

/** The root that a chain begins with; it is read leniently in either case. */
const before = remembered((trusted) =>
  readTrustedRoot(trusted, { ...CHAIN, reading: "lenient" }, verifySignature),
);

/** Most cases have the same trusted root: it is read once. */
function remembered(read: (bytes: Uint8Array) => Root): (bytes: Uint8Array) => Root {
  const roots = new Map<Uint8Array, Root>();
  return (bytes) => {
    const root = roots.get(bytes) ?? read(bytes);
    roots.set(bytes, root);
    return root;
  };
}
