/**
 * The one comparison of a head with its signer's records, for a start, a restore and every reader. After a
 * restore of one database the two differ, and an operator should know where.
 */
import { isRootwardError } from "../../error.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { line, listed, type Line } from "../../text/line.ts";
import { channelsOf, ONLINE_ROLES, type Channel, type OnlineRole } from "../../tuf/dialect.ts";
import type { KeyId } from "../../tuf/keys.ts";
import { isBehind } from "./behind.ts";
import type { KnownRoots, RootMark } from "../ports.ts";

export interface Standing {
  readonly factory: FactoryName;
  /** Channels whose root in the head is older than the one that the signer trusts, or another. */
  readonly behind: readonly {
    readonly channel: Channel;
    /** The version in the head. */
    readonly version: number;
    readonly trusted: RootMark;
  }[];
  /** Roots above the head's that were signed by the threshold; whether devices have them is not known. */
  readonly expected: readonly { readonly channel: Channel; readonly root: RootMark }[];
  /** Online keys that the head names and the signer lacks. */
  readonly lacking: readonly { readonly role: OnlineRole; readonly keyid: KeyId }[];
  /** Whether the signer knows this bootstrap of the Factory at all. */
  readonly known: boolean;
}

/** Reads only. @throws RootwardError `unavailable` where the signer is away */
export async function standingOf(boundary: KnownRoots, head: Head): Promise<Standing> {
  const { factory, instance, dialect, onlineKeys, roles } = head;
  const behind: Standing["behind"][number][] = [];
  const expected: Standing["expected"][number][] = [];
  const held = new Set(await boundary.heldKeys(head));
  const lacking = ONLINE_ROLES.flatMap((role) =>
    held.has(onlineKeys[role]) ? [] : [{ role, keyid: onlineKeys[role] }],
  );
  try {
    for (const channel of channelsOf(dialect)) {
      const ref = { factory, instance, dialect, channel };
      const version = roles[channel]?.root.version ?? 0;
      const trusted = await boundary.trustedRoot(ref);
      if (isBehind(head, channel, trusted)) behind.push({ channel, version, trusted });
      for (const root of await boundary.expectedRoots(ref)) {
        if (root.version > version) expected.push({ channel, root });
      }
    }
    return { factory, behind, expected, lacking, known: true };
  } catch (error) {
    if (!isRootwardError(error) || error.code !== "signing-refused") throw error;
    return { factory, behind, expected, lacking, known: false };
  }
}

/** @returns one line, or null where head and signer agree */
export function describeStanding(standing: Standing): Line | null {
  const { factory, behind, expected, lacking, known } = standing;
  if (!known) return line`${factory}: the signer does not know this Factory`;
  const parts = [
    ...behind.map(
      ({ channel, version, trusted }) =>
        line`${channel} has root ${version}, the signer trusts root ${trusted.version} (SHA-256 ${trusted.sha256})`,
    ),
    ...(lacking.length === 0
      ? []
      : [
          line`the signer lacks the online keys ${listed(
            lacking.map(({ role, keyid }) => line`${role} ${keyid}`),
          )}`,
        ]),
    ...expected.map(
      ({ channel, root }) =>
        line`a signed root ${root.version} of ${channel} (SHA-256 ${root.sha256}) is not current`,
    ),
  ];
  return parts.length === 0 ? null : line`${factory}: ${listed(parts, "; ")}`;
}
