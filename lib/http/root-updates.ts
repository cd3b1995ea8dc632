/**
 * Routes of the staged root update, all but its start (initial-key.ts), as fioctl has spoken them since
 * 0.30 (docs/fioctl.md).
 */
import type { Hono } from "hono";
import * as api from "../api/root-updates.ts";
import { RootwardError } from "../error.ts";
import { applyUpdate } from "../service/root-update/apply.ts";
import { cancelUpdate } from "../service/root-update/cancel.ts";
import { makeOnlineKeys } from "../service/root-update/make-online-keys.ts";
import { reviewUpdate } from "../service/root-update/review.ts";
import { stageUpdate } from "../service/root-update/stage.ts";
import type { Needs, Changes, Signs } from "../service/service.ts";
import { channelsOf, ONLINE_ROLES, rootLimits, rootMember, type Dialect } from "../tuf/dialect.ts";
import type { JsonLimits } from "../tuf/json.ts";
import { readJson } from "./request.ts";
import { serve } from "./serve.ts";

export function rootUpdateRoutes(app: Hono, service: Needs<Changes | Signs | "verify">): void {
  serve(app, service, api.reviewUpdate, async (ask) =>
    ask.answer(200, await reviewUpdate(service, ask.allowed.head)),
  );

  serve(app, service, api.stageUpdate, async (ask) => {
    const { head, principal } = ask.allowed;
    const { value } = await readJson(ask, stageLimits(head.dialect));
    assertNoTargets(value["targets-signatures"], value["waves-signatures"]);
    const roots = new Map(
      channelsOf(head.dialect).map((channel) => [channel, value[rootMember(channel)] ?? null]),
    );
    await stageUpdate(service, { factory: head.factory, principal, txid: value.txid, roots });
    return ask.answer(200, {});
  });

  serve(app, service, api.makeOnlineKeys, async (ask) => {
    const { head, principal } = ask.allowed;
    const { value } = await readJson(ask);
    const roles = ONLINE_ROLES.filter((role) => value[role]);
    if (roles.length === 0) {
      throw new RootwardError("malformed", `expected one of ${ONLINE_ROLES.join(", ")}`);
    }
    const keyType = value["key-type"] === "RSA" ? "rsa" : "ed25519";
    const { factory } = head;
    await makeOnlineKeys(service, { factory, principal, txid: value.txid, roles, keyType });
    return ask.answer(200, {});
  });

  serve(app, service, api.applyUpdate, async (ask) => {
    const { head, principal } = ask.allowed;
    const { value } = await readJson(ask);
    await applyUpdate(service, head.factory, value.txid, principal);
    return ask.answer(200, {});
  });

  serve(app, service, api.cancelUpdate, async (ask) => {
    const { head, principal } = ask.allowed;
    const signed = await cancelUpdate(service, head.factory, principal);
    return ask.answer(200, signed.length === 0 ? {} : { warning: STAYS_VALID, signed });
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
