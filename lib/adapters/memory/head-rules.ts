/**
 * The invariants between a head and the next, between a head and the documents that it names, and of
 * events.
 */
import { eventPlace, rolePlace, type DocumentAddress } from "../../state/documents.ts";
import { decodeEvent } from "../../state/event.ts";
import { includesEffect } from "../../state/effect.ts";
import { decodeHead, type Head } from "../../state/head.ts";
import { FAR } from "../../state/schedule.ts";
import type { Announcement } from "../../service/ports.ts";
import { stagedPlace } from "../../state/root-update.ts";
import { sha256 } from "../../tuf/bytes.ts";
import { ROLES, type Channel } from "../../tuf/dialect.ts";
import type { Invariants } from "./invariants.ts";
import { addressKey, placeKey, type MemoryState } from "./state.ts";

const CHANNELS = ["main", "ci", "prod"] as const satisfies readonly Channel[];

/** @throws InvariantError */
export function checkCreation(head: Head, state: MemoryState): void {
  const { invariants } = state;
  invariants.expect(head.revision === 1, `a new head has revision ${head.revision}`);
  invariants.expect(head.log.seq === 1, `a new log starts with event ${head.log.seq}`);
  checkDocuments(head, state);
  checkEvent(head, null, state);
}

/** @throws InvariantError */
export function checkSwap(base: Head, next: Head, state: MemoryState): void {
  const { invariants } = state;
  const same = (name: "factory" | "dialect"): void =>
    invariants.expect(base[name] === next[name], `a swap changes the ${name}`);
  same("factory");
  same("dialect");
  invariants.expect(
    next.revision === base.revision + 1,
    `revision ${next.revision} follows ${base.revision}`,
  );
  invariants.expect(
    next.log.seq === base.log.seq + 1,
    `event ${next.log.seq} follows ${base.log.seq}`,
  );
  if (base.instance === next.instance) checkVersions(base, next, state);
  else checkReplacement(base, next, invariants);
  checkDocuments(next, state);
  checkEvent(next, base, state);
  checkPublished(base, next, state);
}

/** Another bootstrap: nothing that its keys signed on is lost, and nothing of the one before opens. */
function checkReplacement(base: Head, next: Head, invariants: Invariants): void {
  const first = Object.values(base.roles).every(({ root }) => root.version === 1);
  invariants.expect(first, "a root that was rotated is replaced");
  invariants.expect(base.rootUpdate === null, "a root update is lost");
  invariants.expect(next.state === "provisioned", "devices are served before a confirmation");
  const { idHash } = base.delivery;
  invariants.expect(next.delivery.idHash !== idHash, "the old link stays");
  for (const kind of ["destroy-share", "destroy-archive", "withdraw-link"] as const) {
    const named = includesEffect(next.pending, { kind, idHash });
    invariants.expect(named, `${kind} of the old delivery is not named`);
  }
  const kept = next.replaced.some(({ instance }) => instance === base.instance);
  invariants.expect(kept, "the old instance is forgotten without its keys being destroyed");
}

function checkVersions(base: Head, next: Head, state: MemoryState): void {
  const { invariants } = state;
  const comeBack = typeOf(next, state) === "roots-returned";
  for (const channel of CHANNELS) {
    const roots = [base, next].map(({ roles }) => roles[channel]?.root.version);
    const rootChanges = roots[0] !== roots[1];
    for (const role of ROLES) {
      const before = base.roles[channel]?.[role];
      const after = next.roles[channel]?.[role];
      if (before === undefined) continue;
      const what = `${channel} ${role} ${before.version}`;
      invariants.expect(after !== undefined, `${what} is gone`);
      if (after === undefined) continue;
      const rise = after.version - before.version;
      // Far numbers begin anew with a root: the one swap has both.
      const anew = before.version > FAR && after.version <= FAR && rootChanges;
      invariants.expect(rise >= 0 || anew, `${what} goes down to ${after.version}`);
      if (role === "root" && comeBack) {
        // Several at once, and those in between can be read.
        for (let version = before.version + 1; version < after.version; version += 1) {
          const place = placeKey(rolePlace(next, channel, "root", version));
          invariants.expect(state.published.has(place), `${what}: root ${version} is passed over`);
        }
        continue;
      }
      invariants.expect(
        rise !== 0 || after.sha256 === before.sha256,
        `${what} changes its content`,
      );
      invariants.expect(role !== "root" || rise <= 1, `${what} rises to ${after.version}`);
    }
  }
}

function typeOf(head: Head, state: MemoryState): string | null {
  const bytes = state.documents.get(addressKey(eventOf(head)));
  return bytes === undefined ? null : decodeEvent(bytes).type;
}

function checkDocuments(head: Head, state: MemoryState): void {
  for (const address of [...namedBy(head), ...stagedBy(head)]) {
    const bytes = state.documents.get(addressKey(address));
    const whole = bytes !== undefined && sha256(bytes) === address.sha256;
    state.invariants.expect(whole, `head names ${addressKey(address)}, which is not stored`);
  }
}

function checkEvent(head: Head, base: Head | null, state: MemoryState): void {
  const bytes = state.documents.get(addressKey(eventOf(head)));
  const event = bytes === undefined ? null : decodeEvent(bytes);
  state.invariants.expect(
    event?.seq === head.log.seq && event.previous === (base?.log.sha256 ?? null),
    `event ${head.log.seq} does not follow the one before it`,
  );
}

/**
 * An event that is told is in the log: told before its swap, it would be of a change that may never come.
 *
 * @throws InvariantError
 */
export function checkLogged({ factory, event }: Announcement, state: MemoryState): void {
  const { heads, published, documents, invariants } = state;
  const text = heads.get(factory);
  const log = text === undefined ? null : decodeHead(text).log;
  const place = eventPlace(factory, event.seq);
  const hash = log?.seq === event.seq ? log.sha256 : published.get(placeKey(place));
  const inLog = log !== null && event.seq <= log.seq && hash !== undefined;
  const bytes = inLog ? documents.get(addressKey({ ...place, sha256: hash })) : undefined;
  invariants.expect(
    bytes !== undefined && decodeEvent(bytes).id === event.id,
    `event ${event.seq} of ${factory} is told before its swap`,
  );
}

function checkPublished(base: Head, next: Head, state: MemoryState): void {
  const still = new Set(namedBy(next).map(addressKey));
  for (const address of namedBy(base)) {
    if (still.has(addressKey(address))) continue;
    // A root that forked off is replaced by the one that the boundary trusts, and was never right.
    const root = address.role === "root" && typeOf(next, state) === "roots-returned";
    if (root && state.published.get(placeKey(address)) === undefined) continue;
    state.invariants.expect(
      state.published.get(placeKey(address)) === address.sha256,
      `${addressKey(address)} is superseded and was not published`,
    );
  }
}

/** Every document that a head names. */
export function namedBy(head: Head): readonly DocumentAddress[] {
  const roles = CHANNELS.flatMap((channel) =>
    ROLES.flatMap((role) => {
      const named = head.roles[channel]?.[role];
      if (named === undefined) return [];
      const { version, sha256: hash } = named;
      return [{ ...rolePlace(head, channel, role, version), sha256: hash }];
    }),
  );
  return [...roles, eventOf(head)];
}

/** Staged roots are stored like named documents, and are never published. */
function stagedBy(head: Head): readonly DocumentAddress[] {
  return CHANNELS.flatMap((channel) => {
    const hash = head.rootUpdate?.staged[channel];
    return hash === undefined ? [] : [{ ...stagedPlace(head, channel), sha256: hash }];
  });
}

function eventOf({ factory, log }: Head): DocumentAddress {
  return { ...eventPlace(factory, log.seq), sha256: log.sha256 };
}
