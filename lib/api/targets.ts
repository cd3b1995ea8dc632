/** The targets of the first channel. */
import * as v from "valibot";
import * as form from "../text/forms.ts";
import type { JsonValue } from "../tuf/json.ts";
import { isTargetName } from "../tuf/target-entries.ts";
import { operation } from "./operation.ts";
import { FACTORY } from "./path.ts";

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
const json = (metadata: { readonly type: string; readonly description: string }) =>
  v.optional(
    v.pipe(
      v.custom<JsonValue>(() => true),
      v.metadata(metadata),
    ),
  );

const names = v.array(v.pipe(v.string(), v.check(isTargetName)));

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
    targets: json({ type: "object", description: "Entries to add or replace, by name." }),
    remove: json({ type: "array", description: "Names of entries to remove." }),
  }),
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
