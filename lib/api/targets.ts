/** The targets of the first channel. */
import * as v from "valibot";
import * as form from "../text/forms.ts";
import type { JsonValue } from "../tuf/json.ts";
import { isTargetName, MAX_NAME_LENGTH, SHA512, TARGET_NAME } from "../tuf/target-entries.ts";
import { operation } from "./operation.ts";
import { FACTORY } from "./path.ts";
import { document } from "./shapes.ts";

export const listTargets = /* @__PURE__ */ operation(() => ({
  id: "listTargets",
  method: "GET",
  path: `${FACTORY}targets/`,
  access: "root:read",
  title: "Read the targets in force",
  about:
    "With `production` in the query it is refused with 404: targets of prod are signed offline.",
  answers: { 200: "All entries, by name." },
  answer: v.object({
    channel: form.channel,
    version: form.version,
    expires: form.time,
    // No v.record: it leaves out members by the name of __proto__ or constructor.
    targets: v.pipe(
      v.custom<Readonly<Record<string, unknown>>>(
        (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      ),
      v.metadata({ type: "object" }),
    ),
  }),
  refusals: [],
}));

/** By hand in http/targets.ts: a schema would have an issue for each of some hundred thousand values. */
const json = v.optional(v.custom<JsonValue>(() => true));

const name = v.pipe(
  v.string(),
  v.check(isTargetName),
  form.described<string>(TARGET_NAME),
  v.maxLength(MAX_NAME_LENGTH),
);
const names = v.array(name);

/** The entries that tuf/target-entries.ts takes. */
export const targetEntry = v.strictObject({
  length: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  hashes: v.strictObject({
    sha256: form.sha256Hex,
    sha512: v.optional(v.pipe(v.string(), v.regex(SHA512))),
  }),
  custom: v.optional(document),
});

export const publishTargets = /* @__PURE__ */ operation(() => ({
  id: "publishTargets",
  method: "PUT",
  path: `${FACTORY}targets/`,
  access: "targets:update",
  title: "Publish targets",
  about:
    "Adds, replaces and removes entries, all at once or not at all, and signs targets, snapshot and timestamp. " +
    "A repeated request changes nothing. docs/targets.md says what an entry may be. With `production` in the query it is refused with 404.",
  body: v.strictObject({
    targets: json,
    remove: json,
  }),
  accepted: v.pipe(
    v.strictObject({
      targets: v.optional(v.record(name, targetEntry)),
      remove: v.optional(v.array(v.string())),
    }),
    v.metadata({
      anyOf: [
        { properties: { targets: { minProperties: 1 } }, required: ["targets"] },
        { properties: { remove: { minItems: 1 } }, required: ["remove"] },
      ],
    }),
  ),
  answers: { 200: "The targets in force." },
  answer: v.object({
    channel: form.channel,
    version: form.version,
    sha256: form.sha256Hex,
    expires: form.time,
    /** False where all was so already: then nothing was signed. */
    changed: v.boolean(),
    added: names,
    replaced: names,
    removed: names,
    unchanged: names,
  }),
  refusals: ["targets-refused", "roots-behind", "busy"],
}));
