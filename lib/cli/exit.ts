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
    hint:
      "if you created it and lost the response, run rootward factory show NAME; rootward factory " +
      "rebootstrap issues a new link",
  },
  "version-conflict": {
    code: 1,
    hint: "the root has changed: review it with rootward root show, then retry",
  },
  "channel-behind": { code: 1, hint: "run rootward keys rotate: it updates prod first" },
  "update-in-progress": {
    code: 1,
    hint: "rootward root review shows it, rootward root cancel drops it",
  },
  "roots-behind": {
    code: 1,
    hint: "the service was restored from a backup: run the command again in a minute; if it fails again, ask its operator",
  },
  "too-many-roots": plain,
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
  unavailable: { code: 1, hint: "try again; the cause is in the log of the service" },
  "storage-unavailable": {
    code: 1,
    hint: "run the command again, which is safe; the cause is in the log of the service",
  },
  "archive-invalid": plain,
  "archive-busy": plain,
  "file-exists": plain,
  "file-changed": {
    code: 1,
    hint: "nothing was published: run the command again once the file is complete",
  },
  "chain-broken": {
    code: 1,
    hint: "nothing was signed. Check --server; if it is right, the service or its data was tampered with",
  },
  "log-broken": {
    code: 1,
    hint:
      "nothing was signed. Ask the operator of the service what happened. Only if they restored a " +
      "backup: rootward keys rotate ARCHIVE --accept-log",
  },
  "clock-doubtful": {
    code: 1,
    hint:
      "set the clock that is wrong, and run the command again. If you have compared this machine's " +
      "clock with another one and it is right: --clock-is-right",
  },
  "link-invalid": plain,
  "server-unreachable": {
    code: 1,
    hint: "check that the service runs, and its address: --server or ROOTWARD_SERVER",
  },
  "server-refused": plain,
  usage: { code: 2, hint: null },
  internal: plain,
};
