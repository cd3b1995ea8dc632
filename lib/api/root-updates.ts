/**
 * The staged root update, as fioctl has spoken it since 0.30 (docs/fioctl.md). In a Factory with one
 * channel `ci-root` is its root, and `prod-root` is empty.
 */
import * as v from "valibot";
import * as form from "../text/forms.ts";
import { ONLINE_ROLES } from "../tuf/dialect.ts";
import type { JsonValue } from "../tuf/json.ts";
import { operation } from "./operation.ts";
import { REPO } from "./path.ts";
import { document, onlineKeys, STRICT } from "./shapes.ts";

const UPDATES = `${REPO}root/updates` as const;

/** Roots as text, so that their bytes stay. */
const roots = v.object({
  "ci-root": v.string(),
  "prod-root": v.string(),
  "online-keys": onlineKeys,
});
const note = v.object({
  kind: form.words,
  message: form.words,
  args: v.object({ channel: v.optional(form.channel) }),
});

export const reviewUpdate = /* @__PURE__ */ operation(() => ({
  id: "reviewUpdate",
  method: "GET",
  path: UPDATES,
  access: "root:read",
  fioctl: true,
  title: "Look at the root update",
  answers: { 200: "What is in force, what is staged, what is missing." },
  answer: v.object({
    status: v.picklist(["NONE", "STARTED"]),
    current: roots,
    /** Null where no update is in progress. */
    updated: v.nullable(roots),
    "first-time": v.optional(v.boolean()),
    "change-meta": v.optional(
      v.object({
        "created-by": form.words,
        "created-at": form.time,
        "updated-by": form.words,
        "updated-at": form.time,
      }),
    ),
    amendments: v.array(note),
    issues: v.object({ errors: v.array(note), warnings: v.array(note) }),
  }),
  refusals: [],
}));

/** A change message goes into every root and is re-written by every client, so it is what all of them agree on. */
export const CHANGE_MESSAGE = /^[\n\r\t\u0020-\u007e]{0,1000}$/;

/** The initiator of the update has it; others need it to change staged roots. */
const txid = v.optional(v.pipe(v.string(), v.maxLength(128)), "");
const json = v.pipe(
  v.custom<JsonValue>(() => true, "a signed root"),
  v.metadata({ type: "object", description: "A signed root.", ...STRICT }),
);
const signatures = v.optional(v.record(v.string(), v.array(v.unknown())), {});
const refusals = ["no-root-update", "version-conflict", "roots-behind", "busy"] as const;

export const startUpdate = /* @__PURE__ */ operation(() => ({
  id: "startUpdate",
  method: "POST",
  path: UPDATES,
  access: "root:update",
  fioctl: true,
  title: "Start a root update",
  body: v.strictObject({
    message: v.pipe(
      v.string(),
      form.described<string>(CHANGE_MESSAGE, { description: "It goes into the root." }),
    ),
    "first-time": v.optional(
      v.pipe(
        v.boolean(),
        v.description("Asks for the first root key of a Factory without a download link."),
      ),
      false,
    ),
    /** fioctl says here that it does all steps by itself. */
    shortcut: v.optional(v.boolean(), false),
  }),
  answers: { 201: "It is started." },
  answer: v.object({
    txid: form.txid,
    /** With `first-time`. A secret. */
    "first_root.sec": v.optional(document),
    "first_root.pub": v.optional(document),
  }),
  refusals: ["update-in-progress", "initial-key-gone", "roots-behind", "busy"],
}));

export const stageUpdate = /* @__PURE__ */ operation(() => ({
  id: "stageUpdate",
  method: "PUT",
  path: UPDATES,
  access: "root:update",
  fioctl: true,
  title: "Stage roots",
  body: v.strictObject({
    txid,
    "ci-root": json,
    "prod-root": v.optional(json),
    "targets-signatures": signatures,
    "waves-signatures": signatures,
  }),
  answers: { 200: "They are staged." },
  answer: v.object({}),
  refusals: [...refusals, "root-refused"],
}));

export const makeOnlineKeys = /* @__PURE__ */ operation(() => ({
  id: "makeOnlineKeys",
  method: "POST",
  path: `${UPDATES}/gen-online-keys`,
  access: "root:update",
  fioctl: true,
  title: "Make new online keys in the root update",
  body: v.pipe(
    v.strictObject({
      txid,
      "key-type": v.picklist(["ED25519", "RSA"]),
      targets: v.optional(v.boolean(), false),
      snapshot: v.optional(v.boolean(), false),
      timestamp: v.optional(v.boolean(), false),
    }),
    v.metadata({
      anyOf: ONLINE_ROLES.map((role) => ({
        properties: { [role]: { const: true } },
        required: [role],
      })),
    }),
  ),
  answers: { 200: "The staged roots list them." },
  answer: v.object({}),
  refusals: [...refusals, "root-refused"],
}));

export const applyUpdate = /* @__PURE__ */ operation(() => ({
  id: "applyUpdate",
  method: "POST",
  path: `${UPDATES}/apply`,
  access: "root:update",
  fioctl: true,
  title: "Apply the root update",
  body: v.strictObject({ txid }),
  answers: { 200: "The staged roots are in force." },
  answer: v.object({}),
  refusals: [...refusals, "root-refused"],
}));

export const cancelUpdate = /* @__PURE__ */ operation(() => ({
  id: "cancelUpdate",
  method: "POST",
  path: `${UPDATES}/cancel`,
  access: "root:update",
  fioctl: true,
  title: "Cancel the root update",
  answers: { 200: "Nothing is staged." },
  answer: v.object({
    /** Where roots stay valid for every device that is shown them. */
    warning: v.optional(form.words),
    /** Absent where there are none. */
    signed: v.optional(
      v.array(v.object({ channel: form.channel, version: form.version, sha256: form.sha256Hex })),
      [],
    ),
  }),
  refusals,
}));
