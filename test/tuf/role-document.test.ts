/** Documents of the online roles: what is read as one, and under which root it counts as signed. */
import { describe, expect, test } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { DIALECTS, firstChannel, ONLINE_ROLES, type OnlineRole } from "../../lib/tuf/dialect.ts";
import { encodeJson } from "../../lib/tuf/canonical.ts";
import { jsonObject, type JsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import { isSignedUnder, readRoleDocument } from "../../lib/tuf/role-document.ts";
import { snapshotDocument, targetsDocument, timestampDocument } from "../../lib/tuf/roles.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import {
  DAY,
  edits,
  NOW,
  readCurrent,
  signRoot,
  testFactory,
} from "../support/tuf/test-factory.ts";
import type { Edit, Party } from "../support/tuf/test-factory.ts";
import { ids, listed } from "./broken-roots/row.ts";

const META = { version: 1, length: 2, sha256: sha256Text("{}") };

describe.each(DIALECTS)("%s", (dialect) => {
  const channel = firstChannel(dialect);
  const { current, parties } = testFactory(dialect, channel);
  const { targets, snapshot, spare } = parties;
  const SIGNED: Readonly<Record<OnlineRole, JsonObject>> = {
    targets: targetsDocument(dialect, 3, NOW + DAY, jsonObject({})),
    snapshot: snapshotDocument(dialect, 3, NOW + DAY, META),
    timestamp: timestampDocument(dialect, 3, NOW + DAY, META),
  };

  const written = (
    role: OnlineRole,
    by: readonly Party[],
    ...changes: readonly Edit[]
  ): Uint8Array => encodeJson(signRoot(edits(SIGNED[role], ...changes), dialect, by));

  test.each(ONLINE_ROLES)("a document of %s is read, and is no other role's", (role) => {
    const bytes = written(role, [parties[role]]);
    const document = readRoleDocument(bytes, role, dialect);
    expect(document).toMatchObject({ role, version: 3, expires: NOW + DAY, signed: SIGNED[role] });
    expect(isSignedUnder(current, document, verifySignature)).toBe(true);
    for (const other of ONLINE_ROLES.filter((name) => name !== role)) {
      expect(() => readRoleDocument(bytes, other, dialect)).toThrow(`${other}: expected _type`);
    }
  });

  test.each<readonly [name: string, body: JsonValue, says: string]>([
    ["a list", [], "expected signatures and signed"],
    ["null", null, "expected signatures and signed"],
    ["no signed", { signatures: [] }, "expected signatures and signed"],
    ["signed as text", { signatures: [], signed: "" }, "expected signatures and signed"],
    ["no signatures", { signed: SIGNED.targets }, "signatures: expected a list"],
    ["a signature as text", { signatures: [""], signed: SIGNED.targets }, "signatures: expected"],
    ["a version as text", changed("version", "3"), "expected _type, version and expires"],
    ["no version", changed("version", undefined), "expected _type, version and expires"],
    ["expires as a number", changed("expires", NOW), "expected _type, version and expires"],
    ["no expires", changed("expires", undefined), "expected _type, version and expires"],
    ["expires with a fraction", changed("expires", "2027-01-15T12:00:00.5Z"), "expected _type"],
    ["no _type", changed("_type", undefined), "expected _type, version and expires"],
  ])("refuses %s", (_name, body, says) => {
    const action = (): unknown => readRoleDocument(encodeJson(body), "targets", dialect);
    expect(action).toThrow(
      expect.objectContaining({
        code: "malformed",
        message: expect.stringMatching(new RegExp(`^targets: .*${says}`)),
      }),
    );
  });

  function changed(member: string, value: JsonValue | undefined): JsonObject {
    return jsonObject({ signatures: [], signed: edits(SIGNED.targets, [[member], value]) });
  }

  test("a root's threshold is what it takes, by keys of the role, over what is signed", () => {
    const two = readCurrent(
      signRoot(
        edits(current.signed, listed(spare), [
          ["roles", "targets"],
          { keyids: ids(targets, spare), threshold: 2 },
        ]),
        dialect,
        [],
      ),
      dialect,
      channel,
    );
    const counts = (bytes: Uint8Array): readonly boolean[] =>
      [current, two].map((root) =>
        isSignedUnder(root, readRoleDocument(bytes, "targets", dialect), verifySignature),
      );
    expect(counts(written("targets", []))).toEqual([false, false]);
    expect(counts(written("targets", [snapshot]))).toEqual([false, false]);
    expect(counts(written("targets", [targets]))).toEqual([true, false]);
    expect(counts(written("targets", [targets, spare]))).toEqual([true, true]);
    const other = signRoot(edits(SIGNED.targets, [["version"], 4]), dialect, [targets]);
    const moved = encodeJson(edits(other, [["signed", "version"], 3]));
    expect(counts(moved)).toEqual([false, false]);
  });
});
