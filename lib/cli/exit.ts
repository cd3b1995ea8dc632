/**
 * The one table from error code to exit code and hint; it does not compile with a row missing.
 * 0 done, 1 refused or failed, 2 usage.
 */
import type { ErrorCode } from "../error.ts";

interface Exit {
  readonly code: 1 | 2;
  readonly hint: string | null;
}

const plain: Exit = { code: 1, hint: null };

export const EXIT: Readonly<Record<ErrorCode, Exit>> = {
  malformed: plain,
  "too-large": plain,
  "unsupported-media-type": plain,
  unauthenticated: { code: 1, hint: "give a token with --token or ROOTWARD_TOKEN" },
  forbidden: plain,
  "not-found": plain,
  "method-not-allowed": plain,
  timeout: { code: 1, hint: "run it again, over a faster connection if there is one" },
  "uri-too-long": plain,
  "headers-too-large": plain,
  "expectation-failed": plain,
  "idempotency-key-reused": plain,
  "factory-exists": {
    code: 1,
    hint: "made by you, and the answer lost? see rootward factory show; rebootstrap gives a new link",
  },
  "version-conflict": {
    code: 1,
    hint: "the root is another one by now: look at it, then run the command again",
  },
  "channel-behind": { code: 1, hint: "run rootward keys rotate: it brings prod up first" },
  "update-in-progress": { code: 1, hint: "see it with rootward root review" },
  "no-root-update": plain,
  "initial-key-gone": plain,
  "delivery-used": plain,
  "delivery-expired": plain,
  "delivery-replaced": plain,
  "delivery-mismatch": plain,
  "not-replaceable": plain,
  busy: { code: 1, hint: "try again" },
  "root-refused": plain,
  "targets-refused": plain,
  "signing-refused": plain,
  unavailable: { code: 1, hint: "try again; the service's operator sees why in its log" },
  "storage-unavailable": {
    code: 1,
    hint: "nothing was changed; the service's operator has to help",
  },
  "archive-invalid": plain,
  "archive-busy": plain,
  "file-exists": { code: 1, hint: "move it away, or name another file with -o" },
  "file-changed": { code: 1, hint: "nothing was published: run it again once the file is whole" },
  "chain-broken": {
    code: 1,
    hint: "nothing was signed; if the service is the right one, it was tampered with",
  },
  "log-broken": {
    code: 1,
    hint:
      "nothing was signed; ask the service's operator what happened. Only if they restored a backup: " +
      "keys rotate --accept-log",
  },
  "link-invalid": plain,
  "server-unreachable": { code: 1, hint: "is the service running? see --server, ROOTWARD_SERVER" },
  "server-refused": plain,
  usage: { code: 2, hint: null },
  internal: plain,
};
