/**
 * The key that wraps shares. The rights of each function decide whether it may wrap, and whether it may
 * unwrap.
 */
import type { KeyWrapper } from "../service/ports.ts";
import { later } from "./later.ts";

export function wrapperOf(settings: { readonly shareKey: string }): KeyWrapper {
  return later(async () => {
    const { wrapperUnder } = await import("../adapters/aws/key-wrapper.ts");
    return wrapperUnder(settings.shareKey);
  });
}
