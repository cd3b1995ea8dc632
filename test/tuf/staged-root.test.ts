/**
 * Staged roots: judged together while they may not be good yet. What is only left to do is told
 * apart from what is wrong, one answer speaks for all channels, and the keys that were made for the
 * update are held as closely as those that sign now.
 */
import { describe, expect, test } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import type { Sha256 } from "../../lib/tuf/bytes.ts";
import {
  channelsOf,
  DIALECTS,
  firstChannel,
  type Channel,
  type OnlineRole,
} from "../../lib/tuf/dialect.ts";
import { formatTime } from "../../lib/tuf/expires.ts";
import { FINDING_RULES, type FindingCode } from "../../lib/tuf/findings.ts";
import type { JsonObject } from "../../lib/tuf/json.ts";
import type { KeyId } from "../../lib/tuf/keys.ts";
import { adviceOn } from "../../lib/tuf/policy.ts";
import { withOnlineKey } from "../../lib/tuf/roles.ts";
import { isDeferred, judgeStagedRoots } from "../../lib/tuf/staged-root.ts";
import type { StagedJudgement, StagedUpdate } from "../../lib/tuf/staged-root.ts";
import { DAY, edits, NOW, rootUpdate, signRoot, testFactory } from "../support/tuf/test-factory.ts";
import type { Edit, Party } from "../support/tuf/test-factory.ts";
import { ids } from "./broken-roots/row.ts";

const PRIVATE_PEM = ["-----BEGIN ", " KEY-----\nMC4CAQA=\n-----END ", " KEY-----\n"].join(
  "PRIVATE",
);

test("what may stand until an update is applied: that it is unsigned, expired or not yet signable", () => {
  const all = Object.keys(FINDING_RULES) as FindingCode[];
  expect(all.filter((code) => isDeferred({ code, message: "" }))).toEqual([
    "expires-passed",
    "expires-too-far",
    "threshold-range",
    "current-threshold",
    "new-threshold",
    "targets-unsatisfiable",
  ]);
});

describe.each(DIALECTS)("%s", (dialect) => {
  const factories = channelsOf(dialect).map((channel) => testFactory(dialect, channel));
  const first = testFactory(dialect, firstChannel(dialect));
  const { parties, current: trusted } = first;
  const { a, b, d, spare, targets } = parties;

  /** Judges the good roots with `change`, signed by `by`. */
  function judged(
    change: (signed: JsonObject, channel: Channel) => JsonObject | null,
    by: readonly Party[] = [a, b, d],
    facts: Partial<StagedUpdate> = {},
  ): StagedJudgement {
    const channels = factories.map(({ channel, current, next }) => {
      const signed = change(next, channel);
      const submitted = signed === null ? [] : signRoot(signed, dialect, by);
      return { channel, current, submitted };
    });
    const { now, onlineKeys, initialKey } = rootUpdate(first, null);
    const changelog = first.next["x-changelog"] ?? null;
    const known = {
      now,
      onlineKeys,
      initialKey,
      changelog,
      madeKeys: new Map(),
      retiringKeys: new Set<Sha256>(),
    };
    return judgeStagedRoots({ channels, ...known, ...facts }, verifySignature);
  }

  const codes = ({ errors }: StagedJudgement): readonly FindingCode[] => [
    ...new Set(errors.map(({ code }) => code)),
  ];

  test("good roots have nothing left to do", () => {
    const { errors, warnings, roots } = judged((signed) => signed);
    expect([errors, warnings]).toEqual([[], []]);
    expect([...roots.keys()]).toEqual(channelsOf(dialect));
    for (const { document } of roots.values()) expect(document).toBeInstanceOf(Uint8Array);
  });

  test("unsigned and expired, all that is wrong is left to do, and is said once", () => {
    const expires: Edit = [["expires"], formatTime(NOW - DAY)];
    const judgement = judged((signed) => edits(signed, expires), []);
    expect(codes(judgement).toSorted()).toEqual([
      "current-threshold",
      "expires-passed",
      "new-threshold",
    ]);
    expect(judgement.errors).toHaveLength(3);
    expect(judgement.errors.every(isDeferred)).toBe(true);
  });

  test("what one channel alone is told names it", () => {
    const threshold: Edit = [["roles", "root", "threshold"], 1];
    const last = channelsOf(dialect).at(-1);
    const judgement = judged((signed, channel) =>
      channel === last ? edits(signed, threshold) : signed,
    );
    const advice = judgement.warnings.map(({ message }) => message);
    const prefix = dialect === "ats" ? "prod: " : "";
    expect(advice).toEqual([
      `${prefix}root threshold is 1: one stolen key is enough`,
      `${prefix}the root threshold is lower than before`,
    ]);
    expect(codes(judgement)).toEqual(dialect === "ats" ? ["channels-differ"] : []);
  });

  test("prod is not held against a ci root that cannot be read", () => {
    const { errors } = judged((signed) => edits(signed, [["roles"], {}]));
    const found = new Set(errors.map(({ code }) => code));
    expect([found.has("role-missing"), found.has("channels-differ")]).toEqual([true, false]);
  });

  test("a private key in prod is told of whatever is true of ci", () => {
    const broken: Edit = [["roles"], {}];
    const exposed: Edit = [["x-changelog", "message"], PRIVATE_PEM];
    const { errors } = judged((signed, channel) =>
      edits(signed, channel === "prod" ? exposed : broken),
    );
    const found = errors.map(({ code }) => code);
    expect(found.includes("private-key")).toBe(dialect === "ats");
    expect(found).not.toContain("channels-differ");
  });

  test("what is no root at all is answered with that alone", () => {
    const judgement = judged(() => null);
    expect(codes(judgement)).toEqual(["envelope-members"]);
    const [root] = judgement.roots.values();
    expect(root).toMatchObject({ draft: null, document: null });
  });

  test("a private key is answered loudly, and nothing of the root is given back", () => {
    const judgement = judged((signed) => edits(signed, [["x-changelog", "message"], PRIVATE_PEM]));
    expect(codes(judgement)).toEqual(["private-key"]);
    const [root] = judgement.roots.values();
    expect(root).toMatchObject({ draft: null, document: null });
  });

  test("a version that is taken is a finding, and no race", () => {
    const judgement = judged((signed) => edits(signed, [["version"], 4]));
    expect(codes(judgement)).toEqual(["version-skipped"]);
  });

  test.each<readonly [name: string, change: Edit]>([
    ["other words", [["x-changelog", "message"], "other words"]],
    ["no changelog", [["x-changelog"], undefined]],
  ])("the changelog is the service's: %s", (_name, change) => {
    expect(codes(judged((signed) => edits(signed, change)))).toEqual(["changelog"]);
  });

  describe("with a new online key for targets", () => {
    const onlineKeys: Readonly<Record<OnlineRole, KeyId>> = {
      targets: spare.key.keyid,
      snapshot: parties.snapshot.key.keyid,
      timestamp: parties.timestamp.key.keyid,
    };
    const madeKeys = new Map<KeyId, Sha256>([[spare.key.keyid, spare.key.key.fingerprint]]);
    const replaced = (signed: JsonObject): JsonObject =>
      withOnlineKey(signed, "targets", targets.key.keyid, spare.key);

    test("it takes the place of the one before, which leaves", () => {
      const { errors, roots } = judged(replaced, [a, b, d], { onlineKeys, madeKeys });
      expect(errors).toEqual([]);
      for (const { draft } of roots.values()) {
        expect(draft?.root.roles.targets?.keyids).toEqual(ids(spare));
        expect(draft?.root.keys?.has(targets.key.keyid)).toBe(false);
        expect(draft?.root.keys?.size).toBe(6);
      }
    });

    test("one that was not made for it is none", () => {
      expect(codes(judged(replaced, [a, b, d], { onlineKeys }))).toEqual(["online-keys"]);
      expect(codes(judged(replaced))).toEqual(["online-keys"]);
      const other = new Map([[spare.key.keyid, d.key.key.fingerprint]]);
      const judgement = judged(replaced, [a, b, d], { onlineKeys, madeKeys: other });
      expect(codes(judgement)).toContain("online-keys");
    });

    test.each([
      ["made", spare],
      ["that signs now", targets],
    ])("neither the one %s may sign a root", (_name, held) => {
      const judgement = judged(
        (signed) =>
          edits(
            replaced(signed),
            [["keys", held.key.keyid], held.key.object],
            [["roles", "root", "keyids"], ids(a, b, d, held)],
          ),
        [a, b, d],
        { onlineKeys, madeKeys },
      );
      expect(codes(judgement)).toEqual(["service-key-in-root"]);
    });

    test("one that is being retired is the service's until it is destroyed", () => {
      const retiringKeys = new Set([spare.key.key.fingerprint]);
      const list = (role: string, ...by: readonly Party[]): StagedJudgement =>
        judged(
          (signed) =>
            edits(
              signed,
              [["keys", spare.key.keyid], spare.key.object],
              [["roles", role, "keyids"], ids(...by, spare)],
            ),
          [a, b, d],
          { retiringKeys },
        );
      expect(codes(list("root", a, b, d))).toEqual(["service-key-in-root"]);
      expect(codes(list("targets", targets))).toEqual(["online-keys"]);
    });

    test("the one that signs now is no offline key", () => {
      const judgement = judged(
        (signed) =>
          edits(
            replaced(signed),
            [["keys", targets.key.keyid], targets.key.object],
            [["roles", "targets", "keyids"], ids(spare, targets)],
          ),
        [a, b, d],
        { onlineKeys, madeKeys },
      );
      expect(codes(judgement)).toEqual(["online-keys"]);
    });
  });

  test("advice on a root by itself says nothing of keys that could not be read", () => {
    const { roles } = trusted;
    const { root: _root, ...others } = roles;
    const nobody = { ...roles, root: { keyids: [], threshold: 2 } };
    expect(adviceOn({ ...trusted, roles: others }, NOW, a.key.keyid)).toEqual([]);
    expect(adviceOn({ ...trusted, roles: nobody }, NOW, a.key.keyid)).toEqual([]);
    expect(adviceOn(trusted, NOW, a.key.keyid)).toHaveLength(1);
    expect(adviceOn(trusted, NOW, null)).toEqual([]);
  });
});
