/**
 * The orders of launch.ts to the process that serves, as one line of JSON on its standard input.
 */
import type { ServeOptions } from "./serve.ts";

export type Orders = Omit<ServeOptions, "signer" | "log"> & {
  readonly adminTokenFile: string;
  /** A Unix socket; null where the signer is at the other end of {@link SIGNER_PIPE}. */
  readonly signerSocket: string | null;
};

/** The file descriptor of the pipe to the signer that launched the process. */
export const SIGNER_PIPE = 3;
