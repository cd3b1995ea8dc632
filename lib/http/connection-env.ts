/**
 * What the embedded form's server gives a request besides itself. The AWS form gives nothing: there a
 * request comes whole, alone in its process, and the gateway has limits of its own.
 */
import type { Context } from "hono";
import type { BodyTimes } from "./limits.ts";

export interface ConnectionEnv {
  /** Counts bytes as held until the answer is over; see HeldBytes. */
  readonly hold: (what: object, bytes: number) => void;
  readonly bodies: BodyTimes;
  readonly linger: { readonly time: number; readonly bytes: number };
}

/** Null where there is no connection of ours. */
export function connectionEnv(c: Context): ConnectionEnv | null {
  const env = c.env as Partial<ConnectionEnv> | undefined;
  const { hold, bodies, linger } = env ?? {};
  return hold && bodies && linger ? { hold, bodies, linger } : null;
}
