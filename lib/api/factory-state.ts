/** The state of a Factory and its audit log. */
import * as v from "valibot";
import * as form from "../text/forms.ts";
import { operation } from "./operation.ts";
import { FACTORY } from "./path.ts";
import { onlineKeys } from "./shapes.ts";

export const readFactory = /* @__PURE__ */ operation(() => {
  const role = v.object({ version: form.version, sha256: form.sha256Hex, expires: form.time });
  /** The archive with the first root key. */
  const archive = {
    sha256: form.sha256Hex,
    size: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    recipient: v.optional(form.sha256Hex),
  };
  const link = {
    mode: v.literal("link"),
    ...archive,
    /** Somebody else tried the link. */
    secondClaimRefusedAt: v.optional(form.time),
  };
  const api = { mode: v.literal("api"), ...archive };
  /** Whether share and archive are gone; an earlier release does not say. */
  const copies = { destroyed: v.optional(v.boolean()) };
  /** Absent where nobody claimed. */
  const claimed = { claimedAt: v.optional(form.time) };

  return {
    id: "readFactory",
    method: "GET",
    path: FACTORY,
    access: "state",
    title: "Read the state of a Factory",
    answers: { 200: "The state." },
    answer: v.object({
      factory: form.factoryName,
      dialect: form.dialect,
      state: v.picklist(["provisioned", "live"]),
      owner: v.object({ id: form.words, email: form.words }),
      provisioner: v.nullable(v.object({ id: form.words, email: v.nullable(form.words) })),
      roles: v.record(
        form.channel,
        v.object({
          root: role,
          targets: v.optional(role),
          snapshot: v.optional(role),
          timestamp: v.optional(role),
        }),
      ),
      onlineKeys,
      initialKey: v.object({
        keyid: form.keyId,
        state: v.picklist(["escrowed", "delivered", "destroyed"]),
      }),
      delivery: v.variant("state", [
        v.object({ state: v.literal("escrowed"), ...api }),
        v.object({ state: v.literal("ended"), ...api, endedAt: form.time, ...copies }),
        v.object({ state: v.literal("ready"), ...link, expiresAt: form.time }),
        v.object({
          state: v.literal("claimed"),
          ...link,
          claimedAt: form.time,
          leaseUntil: form.time,
        }),
        v.object({
          state: v.literal("confirmed"),
          ...link,
          ...claimed,
          confirmedAt: form.time,
          ...copies,
        }),
        v.object({
          state: v.literal("expired"),
          ...link,
          ...claimed,
          expiredAt: form.time,
          ...copies,
        }),
      ]),
      rootUpdate: v.nullable(v.object({ startedBy: form.words, startedAt: form.time })),
      log: v.object({ seq: form.version, sha256: form.sha256Hex }),
    }),
    refusals: [],
  };
});

export const readLog = /* @__PURE__ */ operation(() => ({
  id: "readLog",
  method: "GET",
  path: `${FACTORY}log/`,
  access: "root:read",
  title: "Read the audit log",
  about:
    "Up to 100 events in order, each as the exact text that its hash is of. The answer says in `next` where " +
    "the following page begins: ask again with `from` until it is null. `head` is the newest event.",
  query: {
    from: {
      form: v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,14}$/)),
      expected: "a number of at least 1",
      about: "The number of the first event. 1 unless given.",
    },
  },
  answers: { 200: "A page of the log." },
  answer: v.object({
    head: v.object({ seq: form.version, sha256: form.sha256Hex }),
    events: v.array(v.string()),
    next: v.nullable(form.version),
  }),
  refusals: [],
}));
