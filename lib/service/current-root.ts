/** The roots in force, and what is published under them. */
import type { Head } from "../factory/head.ts";
import { readChainRoot } from "../tuf/chain.ts";
import type { Channel, OnlineRole } from "../tuf/dialect.ts";
import type { Finding } from "../tuf/findings.ts";
import { isSignedUnder, readRoleDocument } from "../tuf/role-document.ts";
import type { Root } from "../tuf/root.ts";
import type { Service } from "./service.ts";
import { readVersion } from "./sign-roles.ts";

/** The current root of a channel; its signatures were verified when it was accepted. */
export async function currentRoot(service: Service, head: Head, channel: Channel): Promise<Root> {
  const version = head.roles[channel]?.root.version ?? 0;
  return rootOf(service, head, channel, version);
}

export async function rootOf(
  service: Service,
  head: Head,
  channel: Channel,
  version: number,
): Promise<Root> {
  const bytes = await readVersion(service, head, channel, "root", version);
  return readChainRoot(bytes, { dialect: head.dialect, channel, forms: "lenient" }).root;
}

/** Rule 26: what is published of `roles` stays verifiable under `root`. */
export async function findUnsigned(
  service: Service,
  head: Head,
  channel: Channel,
  root: Root,
  roles: readonly OnlineRole[],
): Promise<readonly Finding[]> {
  const errors: Finding[] = [];
  for (const role of roles) {
    const version = head.roles[channel]?.[role]?.version;
    if (version === undefined) continue;
    const bytes = await readVersion(service, head, channel, role, version);
    if (!isSignedUnder(root, readRoleDocument(bytes, role, head.dialect), service.verify)) {
      errors.push({
        code: "targets-unsatisfiable",
        message: `the published ${role} version ${version} would not verify under this root`,
      });
    }
  }
  return errors;
}
