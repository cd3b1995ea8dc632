/**
 * A head that lies behind the boundary: the boundary trusts a root that the head does not have, as
 * after the service's database was restored. Devices may have that root, so nothing is decided for
 * such a Factory but the return of its roots (return-roots.ts).
 */
import { RootwardError } from "../../error.ts";
import type { Head } from "../../state/head.ts";
import type { Channel } from "../../tuf/dialect.ts";
import type { RootMark } from "../ports.ts";

/** Whether the boundary trusts a newer root than the head's, or another one of its version. */
export function isBehind(head: Head, channel: Channel, trusted: RootMark): boolean {
  const root = head.roles[channel]?.root;
  if (root === undefined || trusted.version > root.version) return true;
  return trusted.version === root.version && trusted.sha256 !== root.sha256;
}

/** @param next what to do, where it is not to wait; @returns `roots-behind` */
export function behind(
  { factory, roles }: Head,
  channel: Channel,
  { version, sha256 }: RootMark,
  next = "the service takes it back from the signer within a minute; then look at the current root " +
    "and try again",
): RootwardError {
  const root = roles[channel]?.root;
  const here =
    root?.version === version ? `another root ${version} here` : `root ${root?.version ?? 0} here`;
  return new RootwardError(
    "roots-behind",
    `${factory} ${channel} has ${here}, and its signer trusts root ${version} with SHA-256 ${sha256}, ` +
      `which devices may have: ${next}`,
    { facts: { trustedVersion: version, trustedSha256: sha256 } },
  );
}
