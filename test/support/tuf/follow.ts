/** Following a whole chain of roots, or saying why that is refused. */
import { isRootwardError } from "../../../lib/error.ts";
import { verifySignature } from "../../../lib/crypto/verify.ts";
import { nextInChain, readTrustedRoot, type ChainPolicy } from "../../../lib/tuf/chain.ts";
import type { Root } from "../../../lib/tuf/root.ts";

/** Follows `chain` from its first root and gives back the last. */
export function follow(chain: readonly Uint8Array[], policy: ChainPolicy): Root {
  const [first = new Uint8Array(), ...rest] = chain;
  return rest.reduce(
    (trusted, bytes) => nextInChain(trusted, bytes, policy, verifySignature).root,
    readTrustedRoot(first, policy, verifySignature),
  );
}

/** Why `chain` is not followed: code, message, and the codes of the findings. */
export function refusal(chain: readonly Uint8Array[], policy: ChainPolicy): readonly string[] {
  try {
    follow(chain, policy);
    return ["followed"];
  } catch (error) {
    if (!isRootwardError(error)) throw error;
    return [error.code, error.message, ...(error.details.issues ?? []).map(({ code }) => code)];
  }
}
