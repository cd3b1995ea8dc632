/**
 * Routes of the staged root update (all but its start: initial-key.ts), as fioctl has spoken them since 0.30 (docs/fioctl.md). In a
 * Factory with one channel `ci-root` is its root, and `prod-root` is empty.
 */
import type { Hono } from "hono";
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import { applyUpdate } from "../service/root-update/apply.ts";
import { cancelUpdate } from "../service/root-update/cancel.ts";
import { makeOnlineKeys } from "../service/root-update/make-online-keys.ts";
import { reviewUpdate } from "../service/root-update/review.ts";
import { stageUpdate } from "../service/root-update/stage.ts";
import type { Service } from "../service/service.ts";
import { channelsOf, ONLINE_ROLES, rootLimits, rootMember, type Dialect } from "../tuf/dialect.ts";
import type { JsonLimits, JsonValue } from "../tuf/json.ts";
import { UPDATES } from "./paths.ts";
import { authorizeOwner, readJson } from "./request.ts";
import { routes } from "./routes.ts";

const txid = v.optional(v.pipe(v.string(), v.maxLength(128)), "");
const json = v.custom<JsonValue>(() => true, "a signed root");
const signatures = v.optional(v.record(v.string(), v.array(v.unknown())), {});
const stageBody = v.strictObject({
  txid,
  "ci-root": json,
  "prod-root": v.optional(json),
  "targets-signatures": signatures,
  "waves-signatures": signatures,
});
const keysBody = v.strictObject({
  txid,
  "key-type": v.picklist(["ED25519", "RSA"]),
  targets: v.optional(v.boolean(), false),
  snapshot: v.optional(v.boolean(), false),
  timestamp: v.optional(v.boolean(), false),
});
const applyBody = v.strictObject({ txid });

export function rootUpdateRoutes(app: Hono, service: Service): void {
  routes(app, UPDATES, {
    GET: async (c) => {
      const { head } = await authorizeOwner(service, c, "root:read");
      return c.json(await reviewUpdate(service, head));
    },
    PUT: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      const { value } = await readJson(c, stageBody, stageLimits(head.dialect));
      assertNoTargets(value["targets-signatures"], value["waves-signatures"]);
      const roots = new Map(
        channelsOf(head.dialect).map((channel) => [channel, value[rootMember(channel)] ?? null]),
      );
      await stageUpdate(service, { factory: head.factory, principal, txid: value.txid, roots });
      return c.json({});
    },
  });

  routes(app, `${UPDATES}/gen-online-keys`, {
    POST: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      const { value } = await readJson(c, keysBody);
      const roles = ONLINE_ROLES.filter((role) => value[role]);
      if (roles.length === 0) {
        throw new RootwardError("malformed", `expected one of ${ONLINE_ROLES.join(", ")}`);
      }
      const keyType = value["key-type"] === "RSA" ? "rsa" : "ed25519";
      const { factory } = head;
      await makeOnlineKeys(service, { factory, principal, txid: value.txid, roles, keyType });
      return c.json({});
    },
  });

  routes(app, `${UPDATES}/apply`, {
    POST: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      const { value } = await readJson(c, applyBody);
      await applyUpdate(service, head.factory, value.txid, principal);
      return c.json({});
    },
  });

  routes(app, `${UPDATES}/cancel`, {
    POST: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      const signed = await cancelUpdate(service, head.factory, principal);
      return c.json(signed.length === 0 ? {} : { warning: STAYS_VALID, signed });
    },
  });
}

const STAYS_VALID =
  "the cancelled root carries all signatures that it needs: it stays valid for every device that is " +
  "shown it, until another root of its number is current; start a new update, sign and apply it";

/** A root for each channel, and what is around them. */
function stageLimits(dialect: Dialect): JsonLimits {
  const { maxBytes, maxValues = Infinity } = rootLimits(dialect);
  const count = channelsOf(dialect).length;
  return { maxBytes: count * maxBytes, maxValues: count * maxValues };
}

/** Signatures on targets of production or of a wave: there are none to sign yet. */
function assertNoTargets(...maps: readonly Readonly<Record<string, unknown>>[]): void {
  const names = maps.flatMap((map) => Object.keys(map));
  if (names.length === 0) return;
  throw new RootwardError("root-refused", "root update refused: 1 finding", {
    errors: ["targets-signatures: this Factory has no production targets and no waves to sign"],
  });
}
