/**
 * The rules of the boundary's records: a document describes exactly the last one of the role below that was
 * signed here, and gets a number that no document had (role-record.ts).
 *
 * The number is judged first, taken with the signed bytes in one conditional write, and only then the
 * document leaves the boundary. So no number has two documents, however many ask at once, and whatever the
 * records name was signed.
 */
import type { RootwardError } from "../error.ts";
import type { ChannelRef, SignRequest } from "../service/ports.ts";
import { sha256 } from "../tuf/bytes.ts";
import { ONLINE_ROLES } from "../tuf/dialect.ts";
import type { MetaEntry } from "../tuf/roles.ts";
import { refused } from "./refused.ts";
import type { SignerVersions } from "./records.ts";
import {
  lastNumber,
  recordAfter,
  refuseNumber,
  type BoundaryTime,
  type Numbering,
  type RoleRecord,
} from "./role-record.ts";

/**
 * A version from elsewhere, far ahead, would stay with every client that saw it. The hash of a document
 * that never was would stop them all.
 *
 * @throws RootwardError `signing-refused`
 */
export async function checkDescribed(
  records: Pick<SignerVersions, "lastSigned">,
  request: SignRequest,
): Promise<void> {
  const { content } = request;
  if (content.role === "targets") return;
  const below = content.role === "snapshot" ? "targets" : "snapshot";
  const record = await records.lastSigned(request, below);
  if (record !== null && isOf(record, content.meta)) return;
  // Where an earlier release signed it, the record has no hash, and no other writer is at work.
  const other = record !== null && record.last !== null ? { signed: record.version } : {};
  throw refused(
    `${content.role}: ${below} version ${content.meta.version} is not the document that was signed ` +
      `here last (version ${record?.version ?? 0})`,
    { unsigned: below, ...other },
  );
}

function isOf({ version, last }: RoleRecord, meta: MetaEntry): boolean {
  return meta.version === version && meta.length === last?.length && meta.sha256 === last.sha256;
}

/**
 * @param keys of the root that is signed under, and of the root that is trusted
 * @returns what the number of a request was judged by
 * @throws RootwardError `signing-refused`, with the fact that says which number may be had
 */
export async function judgeNumber(
  records: SignerVersions,
  request: SignRequest,
  keys: Pick<Numbering, "under" | "trusted">,
  time: BoundaryTime,
): Promise<Numbering> {
  const { content, version, spare = 0 } = request;
  const record = await records.lastSigned(request, content.role);
  const numbering = {
    ...keys,
    record,
    version,
    time,
    ceiling: null,
    spare: Math.max(0, spare),
  } satisfies Numbering;
  await checkNumber(records, request, numbering);
  if (spare <= 0) return numbering;
  // Looks at all roles that are signed together: where one has no number left, the first need not be
  // signed.
  const needed = (await highest(records, request, numbering)) + 1;
  if (needed > version) await checkNumber(records, request, { ...numbering, version: needed });
  return numbering;
}

async function checkNumber(
  records: SignerVersions,
  request: SignRequest,
  numbering: Numbering,
): Promise<void> {
  const { role } = request.content;
  const { version } = numbering;
  let refusal = refuseNumber(numbering);
  if (refusal !== null && "limit" in refusal) {
    // Looked up only where nothing else allows the number.
    refusal = refuseNumber({ ...numbering, ceiling: await records.ceiling(request) });
  }
  if (refusal === null) return;
  if ("last" in refusal) throw notAbove(request, refusal.last);
  if ("begin" in refusal) {
    const why = `expected a version that begins anew above ${refusal.begin}, got ${version}`;
    throw refused(`${role}: ${why}`, refusal);
  }
  const { limit } = refusal;
  throw refused(`${role}: version ${version} is beyond the clock (${limit})`, {
    limit,
    ...(version !== request.version && { needed: version }),
  });
}

async function highest(
  records: SignerVersions,
  ref: ChannelRef,
  numbering: Numbering,
): Promise<number> {
  const all = await Promise.all(ONLINE_ROLES.map((role) => records.lastSigned(ref, role)));
  return Math.max(...all.map((record) => lastNumber({ ...numbering, record })));
}

/**
 * Takes the number of a document that is signed.
 *
 * @throws RootwardError `signing-refused` where another document was faster
 */
export async function takeNumber(
  records: SignerVersions,
  request: SignRequest,
  numbering: Numbering,
  document: Uint8Array,
): Promise<void> {
  const { role } = request.content;
  const next = recordAfter(numbering, { length: document.length, sha256: sha256(document) });
  const before = numbering.record?.version ?? 0;
  if (await records.takeVersion(request, role, before, next)) return;
  const record = await records.lastSigned(request, role);
  throw notAbove(request, lastNumber({ ...numbering, record }));
}

function notAbove({ content, version }: SignRequest, last: number): RootwardError {
  return refused(`${content.role}: expected a version above ${last}, got ${version}`, { last });
}
