/** The signing boundary as the functions have it: another function, which they invoke. */
import type { SigningBoundary } from "../service/ports.ts";
import { remoteBoundary } from "../signing/remote.ts";
import { later } from "./later.ts";

export function boundaryOf(settings: { readonly signerFunction: string }): SigningBoundary {
  return later(async () => {
    const { invoking } = await import("./signer-call.ts");
    return remoteBoundary(invoking(settings.signerFunction));
  });
}
