/** Whether the service answers, and whether it can do its work. */
import * as v from "valibot";
import * as form from "../text/forms.ts";
import { operation } from "./operation.ts";

export const readHealth = /* @__PURE__ */ operation(() => ({
  id: "readHealth",
  method: "GET",
  path: "/healthz",
  access: "public",
  title: "Does it answer?",
  answers: { 200: "It does." },
  answer: v.object({ status: v.literal("ok") }),
  refusals: [],
}));

export const readReadiness = /* @__PURE__ */ operation(() => ({
  id: "readReadiness",
  method: "GET",
  path: "/readyz",
  access: "public",
  title: "Can it do its work?",
  about: "In the embedded form only: on AWS, alarms watch the parts, and the answer is 404.",
  answers: { 200: "Every part can.", 503: "Some part cannot." },
  answer: v.object({
    status: v.picklist(["ready", "not-ready"]),
    checks: v.array(v.object({ name: form.words, ok: v.boolean(), message: form.words })),
  }),
  refusals: ["not-found"],
}));
