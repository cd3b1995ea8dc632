/** The key that wraps shares. Who may wrap, and who unwrap, say the function's rights to it. */
import type { KeyWrapper } from "../service/ports.ts";
import { later } from "./later.ts";

export function wrapperOf(settings: { readonly shareKey: string }): KeyWrapper {
  return later(async () => {
    const { wrapperUnder } = await import("../adapters/aws/key-wrapper.ts");
    return wrapperUnder(settings.shareKey);
  });
}
