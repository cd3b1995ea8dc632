/** Published roles must verify under a root (docs/root-rules.md, rule 26). */
import type { Head } from "../../state/head.ts";
import type { Channel, OnlineRole } from "../../tuf/dialect.ts";
import type { Finding } from "../../tuf/findings.ts";
import { isSignedUnder, readRoleDocument } from "../../tuf/role-document.ts";
import type { Root } from "../../tuf/root.ts";
import type { Needs } from "../service.ts";
import { readVersion } from "../store.ts";

/** Rule 26: what is published of `roles` stays verifiable under `root`. */
export async function findUnsigned(
  service: Needs<"documents" | "verify">,
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
