/** Roots, as owners' tools read and send them. */
import * as v from "valibot";
import * as form from "../text/forms.ts";
import { operation } from "./operation.ts";
import { REPO } from "./path.ts";
import { finding, production, signedDocument } from "./shapes.ts";

const read = {
  method: "GET",
  access: "root:read",
  fioctl: true,
  query: production,
  answers: { 200: "The signed root, in the exact bytes that devices get." },
  answer: signedDocument,
  refusals: [],
} as const;

export const readRoot = /* @__PURE__ */ operation(() => ({
  ...read,
  id: "readRoot",
  path: `${REPO}root.json`,
  title: "Read the current root",
}));

export const readRootVersion = /* @__PURE__ */ operation(() => ({
  ...read,
  id: "readRootVersion",
  path: `${REPO}{version}.root.json`,
  title: "Read a version of the root",
}));

export const submitRoot = /* @__PURE__ */ operation(() => ({
  id: "submitRoot",
  method: "POST",
  path: `${REPO}root`,
  access: "root:update",
  fioctl: true,
  title: "Send a signed root",
  about:
    "The next root of one channel, signed by enough keys of the current root and of its own. It is judged by " +
    "every rule of docs/root-rules.md, and in force once it is answered. Sending the current root again changes nothing.",
  query: {
    ...production,
    "dry-run": {
      form: v.literal("1"),
      expected: "1 or nothing",
      about: "`1` judges the root and changes nothing.",
    },
  },
  body: signedDocument,
  answers: { 200: "It is accepted, or was current already." },
  answer: v.object({
    channel: form.channel,
    version: form.version,
    /** SHA-256 of the document as it is served. */
    sha256: form.sha256Hex,
    /** False where it was the current root already, and for a dry run. */
    changed: v.boolean(),
    warnings: v.array(finding),
  }),
  refusals: [
    "root-refused",
    "version-conflict",
    "channel-behind",
    "roots-behind",
    "update-in-progress",
    "busy",
  ],
}));
