/** The operations of fioctl besides roots and root updates (docs/fioctl.md). */
import * as v from "valibot";
import { SCOPES } from "../state/scopes.ts";
import { operation } from "./operation.ts";
import { FACTORY } from "./path.ts";
import { document, printable } from "./shapes.ts";

const self = {
  method: "GET",
  access: "root:read",
  fioctl: true,
  answers: { 200: "The user of the token, and its scopes." },
  answer: v.object({ "polis-id": printable, "effective-scopes": v.array(v.picklist(SCOPES)) }),
  refusals: [],
} as const;

export const readSelf = /* @__PURE__ */ operation(() => ({
  ...self,
  id: "readSelf",
  path: `${FACTORY}users/self/`,
  title: "Read who the token is of",
}));

export const readSelfUnslashed = /* @__PURE__ */ operation(() => ({
  ...self,
  id: "readSelfUnslashed",
  path: `${FACTORY}users/self`,
  title: "The same, as fioctl before 0.36 asks it",
}));

export const readTargetsKey = /* @__PURE__ */ operation(() => ({
  id: "readTargetsKey",
  method: "GET",
  path: `${FACTORY}ci-targets.pub`,
  access: "root:read",
  fioctl: true,
  title: "Read the online targets key",
  answers: { 200: "The key object, as the current root lists it." },
  answer: document,
  refusals: [],
}));

/** There are none yet: fioctl looks. */
const absent = {
  method: "GET",
  access: "root:read",
  fioctl: true,
  answers: { 200: "An empty object: there are none." },
  answer: v.object({}),
  refusals: [],
} as const;

/** Whether one is there. */
const asked = (about: string) => ({ form: v.string(), expected: "a name", about });

export const listProdTargets = /* @__PURE__ */ operation(() => ({
  ...absent,
  id: "listProdTargets",
  path: `${FACTORY}prod-targets/`,
  title: "List production targets",
  query: { tag: asked("A tag: there is none, so the answer is 404.") },
}));

export const listWaveTargets = /* @__PURE__ */ operation(() => ({
  ...absent,
  id: "listWaveTargets",
  path: `${FACTORY}wave-targets/`,
  title: "List the targets of waves",
  query: { name: asked("The name of a wave: there is none, so the answer is 404.") },
}));

export const readFirstKey = /* @__PURE__ */ operation(() => ({
  id: "readFirstKey",
  method: "GET",
  path: `${FACTORY}first_root.sec`,
  access: "root:update",
  fioctl: true,
  head: false,
  title: "Read the first root key",
  about:
    "Only of a Factory without a download link, only with the owner's own token, and only until the key is " +
    "rotated out. The log has an event for each time, and the owner is mailed. Answers are secrets.",
  answers: { 200: "The private key object. In Ed25519 its public half follows the seed." },
  answer: document,
  refusals: ["initial-key-gone", "busy"],
}));
