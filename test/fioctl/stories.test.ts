/**
 * What an owner does with fioctl, from the first day on, against the real server: each story ends
 * with both chains verified from version 1 by a verifier that is not ours.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startServer, type TestServer } from "../support/embedded.ts";
import { expectChains } from "../support/fioctl/expect-chains.ts";
import { keyidsOf, roleOf, type TufRoot } from "../support/fioctl/documents.ts";
import {
  latest,
  namesIn,
  openFactory,
  signersOfDeviceFile,
  type Factory,
} from "../support/fioctl/factory.ts";
import { failureOf, fioctl, type Fioctl } from "../support/fioctl/fioctl.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

const APPLIED = /The staged TUF root updates were applied to your Factory\./;
const NONE = /There are no TUF root updates in progress\./;

interface Story {
  readonly factory: Factory;
  readonly alice: Fioctl;
  /** The archive of the root key. */
  readonly keys: string;
}

/** A Factory whose first root key is still the service's. */
async function begin(name: string): Promise<Story> {
  const factory = await openFactory(server, name);
  return { factory, alice: fioctl(factory.alice), keys: factory.file("root.tgz") };
}

/** A Factory whose owner has taken the root key. */
async function takeOver(name: string): Promise<Story> {
  const story = await begin(name);
  await story.alice.rotateOfflineKey({ role: "root", keys: story.keys, firstTime: true });
  return story;
}

function targetsThresholds(chains: {
  readonly ci: readonly TufRoot[];
  readonly prod: readonly TufRoot[];
}) {
  return [chains.ci, chains.prod].map((chain) => roleOf(latest(chain), "targets").threshold);
}

describe("the root key", () => {
  test("is taken by its owner: rotate-offline-key --role=root --first-time", async () => {
    const { factory, alice, keys } = await begin("first-time");
    const printed = await alice.rotateOfflineKey({ role: "root", keys, firstTime: true });
    expect(printed).toMatch(APPLIED);
    const [, id = ""] = /^= New root keyid: ([0-9a-f]{64})$/m.exec(printed) ?? [];
    expect(namesIn(keys)).toEqual(
      [`fioctl-root-${id}.pub`, `fioctl-root-${id}.sec`, "first-root.pub", "first-root.sec"].map(
        (name) => `tufrepo/keys/${name}`,
      ),
    );
    expect(existsSync(`${keys}.tmp`)).toBe(false);

    const { ci, prod } = await expectChains(factory, { versions: 2 });
    const [first, second] = [ci[0], latest(ci)];
    expect(keyidsOf(second, "root")).toEqual([id]);
    const [firstId = ""] = first === undefined ? [] : keyidsOf(first, "root");
    expect(Object.keys(second.signed.keys ?? {})).not.toContain(firstId);
    expect(second.signed["x-changelog"]).toMatchObject({
      "polis-id": "alice",
      message: "Rotate TUF root offline signing key",
    });
    expect(second.signed["x-key-owners"]).toMatchObject({ [id]: { "polis-id": "alice" } });
    expect(targetsThresholds({ ci, prod })).toEqual([1, 2]);
    expect(await alice.updates.review({})).toMatch(NONE);
  });

  test("cannot be taken twice: the first one is gone", async () => {
    const { factory, alice } = await takeOver("taken");
    const again = factory.file("again.tgz");
    const printed = await failureOf(
      alice.rotateOfflineKey({ role: "root", keys: again, firstTime: true }),
    );
    expect(printed).toMatch(/^ERROR: HTTP error during POST '\S+': 4(?:09|10|22) /m);
    expect(printed).toMatch(/No changes were made to your Factory\./);
    expect(existsSync(again)).toBe(false);
    expect(await alice.updates.review({})).toMatch(NONE);
    await expectChains(factory, { versions: 2 });
  });

  test.each(["ed25519", "rsa"])("is rotated again, to %s", async (keyType) => {
    const { factory, alice, keys } = await takeOver(`second-${keyType}`);
    const changelog = "yearly rotation, as <planned> & agreed";
    await alice.rotateOfflineKey({ role: "root", keys, keyType, changelog });
    const { ci } = await expectChains(factory, { versions: 3 });
    expect(latest(ci).signed["x-changelog"]?.message).toBe(changelog);
    expect(Object.keys(latest(ci).signed["x-key-owners"] ?? {})).toEqual(
      keyidsOf(latest(ci), "root"),
    );
    expect(namesIn(keys)).toHaveLength(6);
  });

  test("of a Factory whose first key is RSA", async () => {
    const factory = await openFactory(server, "rsa-first", { keyType: "rsa" });
    const keys = factory.file("root.tgz");
    await fioctl(factory.alice).rotateOfflineKey({ role: "root", keys, firstTime: true });
    await expectChains(factory, { versions: 2 });
  });

  test("is kept, with another year: resign-root", async () => {
    const { factory, alice, keys } = await takeOver("resigned");
    const before = readFileSync(keys);
    expect(await alice.resignRoot({ keys })).toMatch(APPLIED);
    const { ci } = await expectChains(factory, { versions: 3 });
    expect(keyidsOf(latest(ci), "root")).toEqual(ci[1] && keyidsOf(ci[1], "root"));
    expect(readFileSync(keys).equals(before)).toBe(true);
  });
});

describe("targets keys", () => {
  test("in the same archive: two rotations", async () => {
    const { factory, alice, keys } = await takeOver("targets-same");
    expect(await alice.rotateOfflineKey({ role: "targets", keys })).toMatch(APPLIED);
    await alice.rotateOfflineKey({ role: "targets", keys });
    const chains = await expectChains(factory, { versions: 4 });
    const [, , third, fourth] = chains.ci.map((root) => keyidsOf(root, "targets"));
    expect(third).toHaveLength(2);
    expect(fourth).toHaveLength(2);
    // The online key stays first, the offline one is another.
    expect(fourth?.[0]).toBe(third?.[0]);
    expect(fourth?.[1]).not.toBe(third?.[1]);
    expect(targetsThresholds(chains)).toEqual([1, 2]);
  });

  test("in an archive of their own, made by the command", async () => {
    const { factory, alice, keys } = await takeOver("targets-apart");
    const targetsKeys = factory.file("targets.tgz");
    const before = readFileSync(keys);
    await alice.rotateOfflineKey({ role: "targets", keys, targetsKeys });
    await alice.rotateOfflineKey({ role: "targets", keys, targetsKeys });
    expect(readFileSync(keys).equals(before)).toBe(true);
    expect(namesIn(targetsKeys)).toHaveLength(4);
    expect(statSync(targetsKeys).isFile()).toBe(true);
    await expectChains(factory, { versions: 4 });

    const stranger = factory.file("stranger.tgz");
    const printed = await failureOf(
      alice.rotateOfflineKey({ role: "targets", keys, targetsKeys: stranger }),
    );
    expect(printed).toMatch(/Found no active signing key for/);
    expect(printed).toMatch(/Please, cancel the staged TUF root updates/);
    await alice.updates.cancel();
    await expectChains(factory, { versions: 4 });
  });

  test("are copied for whoever signs production targets: copy-targets", async () => {
    const { factory, alice, keys } = await takeOver("targets-copied");
    await alice.rotateOfflineKey({ role: "targets", keys });
    const targetsKeys = factory.file("copy.tgz");
    await alice.copyTargets({ keys, targetsKeys });
    const [id] = latest((await expectChains(factory, { versions: 3 })).ci).signed.roles?.[
      "targets"
    ]?.keyids?.slice(1) ?? [""];
    expect(namesIn(targetsKeys)).toEqual(
      ["pub", "sec"].map((half) => `tufrepo/keys/fioctl-targets-${id}.${half}`),
    );
  });

  test("are added and deleted by id", async () => {
    const { factory, alice, keys } = await takeOver("targets-added");
    const targetsKeys = factory.file("targets.tgz");
    await alice.updates.init({ changelog: "a targets key" });
    await alice.updates.addOfflineKey({ role: "targets", keys: targetsKeys });
    expect(
      await failureOf(alice.updates.addOfflineKey({ role: "targets", keys: targetsKeys })),
    ).toMatch(/It is not allowed to store more than one active signing key into one file/);
    await alice.updates.sign({ keys });
    await alice.updates.signProdTargets({ keys: targetsKeys });
    await alice.updates.apply({});
    const { ci } = await expectChains(factory, { versions: 3 });
    const [online = "", offline = ""] = keyidsOf(latest(ci), "targets");

    await alice.updates.init({ changelog: "and away" });
    expect(
      await failureOf(alice.updates.deleteOfflineKey({ role: "targets", keyId: online })),
    ).toMatch(/It is not allowed to delete an online TUF targets key/);
    await alice.updates.deleteOfflineKey({ role: "targets", keyId: offline });
    await alice.updates.sign({ keys });
    await alice.updates.apply({});
    const after = await expectChains(factory, { versions: 4 });
    expect(keyidsOf(latest(after.ci), "targets")).toEqual([online]);
    expect(Object.keys(latest(after.ci).signed["x-key-owners"] ?? {})).not.toContain(offline);
  });
});

describe("online keys", () => {
  test("are rotated, some of them: rotate-online-key --role=targets,timestamp", async () => {
    const { factory, alice, keys } = await takeOver("online");
    await alice.updates.init({ changelog: "new online keys" });
    const printed = await alice.updates.rotateOnlineKey({
      roles: ["targets", "timestamp"],
      signWith: keys,
    });
    await alice.updates.apply({});
    const { ci } = await expectChains(factory, { versions: 3, onlineKeys: "new" });
    const [, before, after] = ci;
    if (before === undefined || after === undefined) throw new Error("too short a chain");
    for (const role of ["targets", "timestamp"]) {
      const [id] = keyidsOf(after, role);
      expect(printed).toContain(`= New online ${role} keyid: ${id}`);
      expect(keyidsOf(before, role)).not.toContain(id);
    }
    expect(keyidsOf(after, "snapshot")).toEqual(keyidsOf(before, "snapshot"));
    for (const role of ["targets", "snapshot", "timestamp"]) {
      expect(await signersOfDeviceFile(factory, `ci/${role}.json`)).toEqual(keyidsOf(after, role));
    }
  });

  test("staged and cancelled leave the ones in force at work", async () => {
    const { factory, alice } = await takeOver("online-cancelled");
    await alice.updates.init({ changelog: "changed my mind" });
    await alice.updates.rotateOnlineKey({ roles: ["snapshot"] });
    await alice.updates.cancel();
    const { ci } = await expectChains(factory, { versions: 2 });
    expect(await signersOfDeviceFile(factory, "ci/snapshot.json")).toEqual(
      keyidsOf(latest(ci), "snapshot"),
    );
  });

  test.each(["one archive", "two archives"])("rotate-all-keys --first-time, %s", async (how) => {
    const { factory, alice, keys } = await begin(`all-${how.slice(0, 3)}`);
    const targetsKeys = how === "two archives" ? factory.file("targets.tgz") : keys;
    expect(await alice.rotateAllKeys({ keys, targetsKeys, firstTime: true })).toMatch(APPLIED);
    const { ci } = await expectChains(factory, { versions: 2, onlineKeys: "new" });
    const [before, after] = ci;
    if (before === undefined || after === undefined) throw new Error("too short a chain");
    // fioctl itself drops no replaced online key here; whether one stays listed is the service's affair.
    const roles = Object.values(after.signed.roles ?? {}).flatMap((role) => role?.keyids ?? []);
    expect(roles.filter((id) => before.signed.keys?.[id] !== undefined)).toEqual([]);
    expect(keyidsOf(after, "targets")).toHaveLength(2);
    expect(await signersOfDeviceFile(factory, "ci/timestamp.json")).toEqual(
      keyidsOf(after, "timestamp"),
    );
    await alice.rotateAllKeys({ keys, targetsKeys });
    await expectChains(factory, { versions: 3, onlineKeys: "new" });
  });
});

describe("a root update", () => {
  test("that is cancelled changes nothing, and the next one goes on from there", async () => {
    const { factory, alice, keys } = await takeOver("cancelled");
    await alice.updates.init({ changelog: "changed my mind" });
    await alice.updates.rotateOfflineKey({ role: "root", keys, sign: true });
    expect(await alice.updates.cancel()).toMatch(/The staged TUF root updates were canceled\./);
    expect(await alice.updates.review({})).toMatch(NONE);
    await expectChains(factory, { versions: 2 });
    // The archive has a key that no root ever listed; it does no harm.
    expect(namesIn(keys)).toHaveLength(6);
    await alice.rotateOfflineKey({ role: "root", keys });
    await expectChains(factory, { versions: 3 });
  });

  test("is one at a time", async () => {
    const { factory, alice, keys } = await takeOver("one-at-a-time");
    await alice.updates.init({ changelog: "first" });
    expect(await failureOf(alice.updates.init({ changelog: "second" }))).toMatch(
      /: 409 Conflict[^]*Only one TUF root updates transaction can be active at a time/,
    );
    expect(await failureOf(alice.rotateOfflineKey({ role: "root", keys }))).toMatch(
      /No changes were made to your Factory\.\nPlease, fix an error above and try again\./,
    );
    await alice.updates.cancel();
    await expectChains(factory, { versions: 2 });
  });

  test("is shown before it is applied: review, --raw, --diff, --prod", async () => {
    const { factory, alice, keys } = await takeOver("reviewed");
    expect(await failureOf(alice.updates.review({ show: "raw" }))).toMatch(NONE);
    await alice.updates.init({ changelog: "look at this" });
    const printed = await alice.updates.rotateOfflineKey({ role: "root", keys });
    const [, id = ""] = /^= New root keyid: (\S+)$/m.exec(printed) ?? [];
    const summary = await alice.updates.review({});
    expect(summary).toMatch(/The following TUF root updates are staged for your Factory:\n - /);
    expect(summary).toMatch(/mandatory before applying it:\n - /);
    const staged = JSON.parse(await alice.updates.review({ show: "raw", prod: true })) as TufRoot;
    expect(staged.signed.version).toBe(3);
    expect(staged.signed["x-changelog"]?.message).toBe("look at this");
    expect(roleOf(staged, "targets").threshold).toBe(2);
    const diff = await alice.updates.review({ show: "diff" });
    expect(diff).toMatch(new RegExp(`^\\+ .*${id}`, "m"));
    expect(diff).toMatch(/^- .*"version": 2/m);
    expect(await failureOf(alice.updates.review({ prod: true }))).toMatch(/must also be set/);

    const refused = await failureOf(alice.updates.apply({}));
    expect(refused).toMatch(/: 4(?:00|22) [^]*No changes were made to your Factory\./);
    await alice.updates.sign({ keys });
    expect(await alice.updates.review({})).not.toMatch(/mandatory before applying it/);
    await alice.updates.apply({});
    await expectChains(factory, { versions: 3 });
  });

  test("asks for nothing where there is none", async () => {
    const { alice, keys } = await takeOver("nothing-staged");
    for (const command of [
      () => alice.updates.sign({ keys }),
      () => alice.updates.setThreshold({ role: "root", threshold: 1 }),
      () => alice.updates.rotateOnlineKey({ roles: ["targets"] }),
    ]) {
      expect(await failureOf(command())).toMatch(/Please, run 'fioctl keys tuf updates init'/);
    }
    const other = await begin("nothing-ever-staged");
    expect(await failureOf(other.alice.updates.apply({}))).toBe(
      "ERROR: There are no TUF root updates in progress.\n",
    );
  });

  test("sets the threshold of production targets, which the next rotation keeps", async () => {
    const { factory, alice, keys } = await takeOver("threshold");
    const [one, two] = [factory.file("one.tgz"), factory.file("two.tgz")];
    await alice.updates.init({ changelog: "three signatures" });
    for (const file of [one, two])
      await alice.updates.addOfflineKey({ role: "targets", keys: file });
    expect(await failureOf(alice.updates.setThreshold({ role: "targets", threshold: 1 }))).toMatch(
      /Threshold for TUF Targets must be greater than 2: 1/,
    );
    await alice.updates.setThreshold({ role: "targets", threshold: 3, signWith: keys });
    await alice.updates.apply({});
    expect(targetsThresholds(await expectChains(factory, { versions: 3 }))).toEqual([1, 3]);
    await alice.rotateOfflineKey({ role: "root", keys });
    expect(targetsThresholds(await expectChains(factory, { versions: 4 }))).toEqual([1, 3]);
  });

  test("whose threshold nobody can meet is refused at apply", async () => {
    const { factory, alice, keys } = await takeOver("threshold-2");
    await alice.updates.init({ changelog: "two of one" });
    await alice.updates.setThreshold({ role: "root", threshold: 2, signWith: keys });
    expect(await failureOf(alice.updates.apply({}))).toMatch(/No changes were made/);
    await alice.updates.cancel();
    await expectChains(factory, { versions: 2 });
  });
});

test("an OAuth access token, which fioctl encodes once more, is as good as an API token", async () => {
  const factory = await openFactory(server, "oauth");
  const { token = "", ...others } = factory.alice;
  const keys = factory.file("root.tgz");
  const alice = fioctl({ ...others, accessToken: token });
  await alice.rotateOfflineKey({ role: "root", keys, firstTime: true });
  await expectChains(factory, { versions: 2 });
});

test("show-root prints the root in force, canonical and indented", async () => {
  const { alice } = await takeOver("shown");
  for (const prod of [false, true]) {
    const printed = await alice.showRoot({ prod });
    expect(printed).toMatch(/^\{\n {2}"signatures": \[\n/);
    expect((JSON.parse(printed) as TufRoot).signed.version).toBe(2);
  }
});
