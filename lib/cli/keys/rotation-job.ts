/** One run of `keys rotate`: what its owner asked for, and whom it works with. */
import type { ArchivedFactory } from "../../archive/trust.ts";
import type { KeyType } from "../../tuf/keys.ts";
import type { ArchiveFile } from "./archive-file.ts";
import type { Client } from "../client.ts";
import type { Terminal } from "../terminal.ts";

export interface RotateOptions {
  readonly factory: string | undefined;
  readonly keyType: KeyType;
  readonly reason: string;
  /** Take the log as it is: the service was restored from a backup. */
  readonly acceptLog: boolean;
  /** The digest of what others staged and the owner has seen: sign it, too. */
  readonly acceptChanges: string | undefined;
  /** The transaction id of an update that another token started. */
  readonly txid: string | undefined;
  /** The owner's word, where this machine's clock and the service's differ. */
  readonly clockIsRight: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One run of `keys rotate`. */
export interface Job {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly file: ArchiveFile;
  readonly about: ArchivedFactory;
  readonly options: RotateOptions;
  readonly user: string;
}
