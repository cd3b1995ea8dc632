/** `rootward root review`, `apply` and `cancel`: the root update in progress, as the service tells it. */
import * as v from "valibot";
import { cancelUpdate, reviewUpdate } from "../../api/root-updates.ts";
import { column, line, type Line } from "../../text/line.ts";
import type { Client } from "../client.ts";
import { applyStaged } from "./staged-update.ts";
import type { Terminal } from "../terminal.ts";

/** Without the roots themselves. */
const shown = v.pick(reviewUpdate.answer, ["status", "change-meta", "amendments", "issues"]);

export async function rootReview(
  client: Client,
  terminal: Terminal,
  factory: string,
): Promise<void> {
  const review = await client.call(reviewUpdate, { factory }, { answer: shown });
  const { amendments, issues } = review;
  const meta = review["change-meta"];
  const lines = (
    heading: string,
    notes: readonly { readonly message: string }[],
  ): readonly Line[] => notes.map(({ message }) => line`${column(heading, 12)} ${message}`);
  const inProgress = review.status !== "NONE";
  terminal.result({ factory, ...review }, [
    inProgress
      ? line`Factory      ${factory}: a root update by ${meta?.["created-by"] ?? "?"}, begun ${meta?.["created-at"] ?? "?"}`
      : line`Factory      ${factory}: no root update is in progress`,
    ...lines("changes", amendments),
    ...lines("missing", issues.errors),
    ...lines("advice", issues.warnings),
    ...(inProgress && issues.errors.length === 0
      ? [line`Nothing is missing: it can be applied.`]
      : []),
  ]);
}

export async function rootApply(
  client: Client,
  terminal: Terminal,
  factory: string,
  txid: string,
): Promise<void> {
  await terminal.step(line`applying the root update of ${factory}`, () =>
    applyStaged(client, factory, txid),
  );
  terminal.result({ factory, applied: true }, [
    line`Factory      ${factory}: the update is applied; rootward root show lists the roots in force`,
  ]);
}

export async function rootCancel(
  client: Client,
  terminal: Terminal,
  factory: string,
): Promise<void> {
  const { signed } = await terminal.step(line`cancelling the root update of ${factory}`, () =>
    client.call(cancelUpdate, { factory }),
  );
  for (const { channel, version, sha256 } of signed) {
    terminal.warn(
      line`root ${version} of ${channel} (SHA-256 ${sha256}) carries all signatures that it needs: it stays valid for every device that is shown it`,
    );
  }
  if (signed.length > 0) {
    terminal.warn(
      line`to end that, give its number to another root: start a new update, sign it and apply it (rootward keys rotate)`,
    );
  }
  terminal.result({ factory, cancelled: true, signed }, [
    line`Factory      ${factory}: the update is cancelled; nothing is staged`,
  ]);
}
