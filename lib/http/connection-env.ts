/**
 * The members that the embedded form's server gives to a request. The AWS form gives nothing: there a
 * request comes whole, alone in its process, and the gateway has limits of its own.
 */
import type { Context } from "hono";
import type { BodyTimes } from "./limits.ts";

export interface ConnectionEnv {
  /** Count bytes as held until the answer is over; see HeldBytes. */
  readonly holdDocument: (what: object, bytes: number) => void;
  readonly holdBody: (what: object, bytes: number) => void;
  readonly bodies: BodyTimes;
  readonly linger: { readonly time: number; readonly bytes: number };
}

/** Null where there is no connection of ours. */
export function connectionEnv(c: Context): ConnectionEnv | null {
  const env = c.env as Partial<ConnectionEnv> | undefined;
  const { holdDocument, holdBody, bodies, linger } = env ?? {};
  if (!holdDocument || !holdBody || !bodies || !linger) return null;
  return { holdDocument, holdBody, bodies, linger };
}
