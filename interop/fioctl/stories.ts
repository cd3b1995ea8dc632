/** The owner's way with fioctl 0.30 and later, from the first day on, alone and with other admins. */
import { existsSync, readFileSync } from "node:fs";
import { latest, readChains } from "../../test/support/fioctl/factory.ts";
import { keyidsOf, roleOf } from "../../test/support/fioctl/root-document.ts";
import { assertSays, txidIn, WrongEnding, type Cast } from "./cast.ts";
import { assertArchive, namesIn, ROTATE, takeRootKey, UPDATES, type Stories } from "./story.ts";

const APPLIED = /The staged TUF root updates were applied to your Factory\./;
const NONE = /There are no TUF root updates in progress\./;

export const STORIES: Stories = {
  "root-key": {
    versions: 4,
    play: async (cast) => {
      const { alice, file } = cast;
      const keys = file("root.tgz");
      const printed = await alice(...ROTATE, "root", "--keys", keys, "--first-time");
      assertSays(printed, APPLIED, /^= New root keyid: [0-9a-f]{64}$/m);
      assertArchive(keys, 4);
      assertSays(await alice(...UPDATES, "review"), NONE);
      const changelog = "yearly rotation, as <planned> & agreed";
      await alice(...ROTATE, "root", "--keys", keys, "--changelog", changelog);
      assertArchive(keys, 6);
      const before = readFileSync(keys);
      assertSays(await alice("resign-root", keys), APPLIED);
      assertSame(keys, before);
      for (const prod of [[], ["--prod"]]) {
        assertSays(await alice("tuf", "show-root", ...prod), /^\{\n {2}"signatures": \[\n/);
      }
      const { message } = latest((await readChains(cast.factory)).ci.slice(0, 3)).signed[
        "x-changelog"
      ] ?? { message: "none" };
      if (message !== changelog) throw new WrongEnding(`the root's message is ${message}`);
    },
  },
  "root-key-rsa": {
    versions: 3,
    keyType: "rsa",
    play: async (cast) => {
      const keys = await takeRootKey(cast);
      await cast.alice(...ROTATE, "root", "--keys", keys, "--key-type", "rsa");
    },
  },
  oauth: {
    versions: 2,
    play: async ({ aliceByOauth, file }) => {
      await aliceByOauth()(...ROTATE, "root", "--keys", file("root.tgz"), "--first-time");
    },
  },
  "targets-keys": {
    versions: 4,
    play: async (cast) => {
      const { alice, file } = cast;
      const keys = await takeRootKey(cast);
      await alice(...ROTATE, "targets", "--keys", keys);
      await alice(...ROTATE, "targets", "--keys", keys);
      await alice("copy-targets", keys, file("copy.tgz"));
      const [id] = keyidsOf(latest((await readChains(cast.factory)).ci), "targets").slice(1);
      const names = namesIn(file("copy.tgz")).join();
      const both = ["pub", "sec"].map((half) => `tufrepo/keys/fioctl-targets-${id}.${half}`).join();
      if (names !== both) throw new WrongEnding(`expected ${both} in the copy, got ${names}`);
    },
  },
  "targets-keys-apart": {
    versions: 4,
    recorded: false,
    play: async (cast) => {
      const { alice, file } = cast;
      const [keys, targets] = [await takeRootKey(cast), file("targets.tgz")];
      const before = readFileSync(keys);
      await alice(...ROTATE, "targets", "--keys", keys, "--targets-keys", targets);
      await alice(...ROTATE, "targets", "--keys", keys, "--targets-keys", targets);
      assertSame(keys, before);
      assertArchive(targets, 4);
      const other = ["--targets-keys", file("stranger.tgz")];
      assertSays(
        await alice.failing(...ROTATE, "targets", "--keys", keys, ...other),
        /No private key found for key IDs/,
        /Please, cancel the staged TUF root updates/,
      );
      await alice(...UPDATES, "cancel");
    },
  },
  "targets-keys-added-and-deleted": {
    versions: 4,
    play: async (cast) => {
      const { alice, file } = cast;
      const [keys, targets] = [await takeRootKey(cast), file("targets.tgz")];
      await alice(...UPDATES, "init", "-m", "a targets key");
      const add = [...UPDATES, "add-offline-key", "--role", "targets", "--keys", targets];
      await alice(...add);
      assertSays(await alice.failing(...add), /more than one active private key per file/);
      await alice(...UPDATES, "sign", "--keys", keys);
      await alice(...UPDATES, "sign-prod-targets", "--keys", targets);
      await alice(...UPDATES, "apply");
      const root = latest((await readChains(cast.factory)).ci);
      const [online = "", offline = ""] = keyidsOf(root, "targets");
      await alice(...UPDATES, "init", "-m", "and away");
      const remove = [...UPDATES, "delete-offline-key", "--role", "targets", "--key-id"];
      assertSays(await alice.failing(...remove, online), /not allowed to delete an online/);
      await alice(...remove, offline);
      await alice(...UPDATES, "sign", "--keys", keys);
      await alice(...UPDATES, "apply");
    },
  },
  "all-keys": {
    versions: 3,
    onlineKeys: "new",
    play: async ({ alice, file }) => {
      const keys = ["--keys", file("root.tgz")];
      assertSays(await alice("tuf", "rotate-all-keys", ...keys, "--first-time"), APPLIED);
      await alice("tuf", "rotate-all-keys", ...keys);
    },
  },
  "all-keys-apart": {
    versions: 3,
    recorded: false,
    onlineKeys: "new",
    play: async ({ alice, file }) => {
      const places = ["--keys", file("root.tgz"), "--targets-keys", file("targets.tgz")];
      assertSays(await alice("tuf", "rotate-all-keys", ...places, "--first-time"), APPLIED);
      await alice("tuf", "rotate-all-keys", ...places);
    },
  },
  "online-keys": {
    versions: 3,
    onlineKeys: "new",
    play: async (cast) => {
      const { alice } = cast;
      const keys = await takeRootKey(cast);
      await alice(...UPDATES, "init", "-m", "changed my mind");
      await alice(...UPDATES, "rotate-online-key", "--role", "snapshot");
      await alice(...UPDATES, "cancel");
      await alice(...UPDATES, "init", "-m", "new online keys");
      const roles = ["--role", "targets,timestamp", "--keys", keys, "--sign"];
      assertSays(
        await alice(...UPDATES, "rotate-online-key", ...roles),
        /= New online targets keyid: [0-9a-f]{64}/,
        /= New online timestamp keyid: [0-9a-f]{64}/,
      );
      await alice(...UPDATES, "apply");
    },
  },
  cancel: {
    versions: 3,
    play: async (cast) => {
      const { alice } = cast;
      const keys = await takeRootKey(cast);
      await alice(...UPDATES, "init", "-m", "changed my mind");
      await alice(...UPDATES, "rotate-offline-key", "--role", "root", "--keys", keys, "--sign");
      assertSays(await alice(...UPDATES, "cancel"), /The staged TUF root updates were canceled\./);
      assertSays(await alice(...UPDATES, "review"), NONE);
      // The archive has a key that no root ever listed; it does no harm.
      assertArchive(keys, 6);
      await alice(...ROTATE, "root", "--keys", keys);
    },
  },
  review: {
    versions: 3,
    play: async (cast) => {
      const { alice } = cast;
      const keys = await takeRootKey(cast);
      const review = [...UPDATES, "review"] as const;
      assertSays(await alice.failing(...review, "--raw"), NONE);
      await alice(...UPDATES, "init", "-m", "look at this");
      const rotate = [...UPDATES, "rotate-offline-key", "--role", "root", "--keys", keys];
      const [, id = ""] = /^= New root keyid: (\S+)$/m.exec(await alice(...rotate)) ?? [];
      const summary = await alice(...review);
      assertSays(
        summary,
        /are staged for your Factory:\n - /,
        /mandatory before applying it:\n - /,
      );
      const shown = await alice(...review, "--raw", "--prod");
      assertSays(shown, /"version": 3/, /"message": "look at this"/, /"threshold": 2/);
      const diff = await alice(...review, "--diff");
      assertSays(diff, new RegExp(`^\\S*\\+ .*${id}`, "m"), /^\S*- .*"version": 2/m);
      assertSays(
        await alice.failing(...UPDATES, "apply"),
        /: 422 [^]*= root update of review refused: [^]*\n \* .*signature[^]*No changes were made/,
      );
      await alice(...UPDATES, "sign", "--keys", keys);
      if ((await alice(...review)).includes("mandatory")) throw new WrongEnding("still mandatory");
      await alice(...UPDATES, "apply");
    },
  },
  threshold: {
    versions: 4,
    play: async (cast) => {
      const { alice, file } = cast;
      const keys = await takeRootKey(cast);
      const set = [...UPDATES, "set-threshold", "--role"];
      await alice(...UPDATES, "init", "-m", "two of one");
      await alice(...set, "root", "2", "--sign", "--keys", keys);
      assertSays(await alice.failing(...UPDATES, "apply"), /threshold[^]*No changes were made/);
      await alice(...UPDATES, "cancel");
      await alice(...UPDATES, "init", "-m", "three signatures");
      for (const name of ["one.tgz", "two.tgz"]) {
        await alice(...UPDATES, "add-offline-key", "--role", "targets", "--keys", file(name));
      }
      assertSays(await alice.failing(...set, "targets", "1"), /must be greater than 2: 1/);
      await alice(...set, "targets", "3", "--sign", "--keys", keys);
      await alice(...UPDATES, "apply");
      await alice(...ROTATE, "root", "--keys", keys);
      const { prod } = await readChains(cast.factory);
      const { threshold } = roleOf(latest(prod), "targets");
      if (threshold !== 3) throw new WrongEnding(`the threshold became ${threshold}`);
    },
  },
  "three-admins": {
    versions: 5,
    play: async (cast) => {
      const { alice, file } = cast;
      const [bob, carol] = [await cast.invite("bob"), await cast.invite("carol")];
      await takeRootKey(cast, "alice.tgz");
      let txid = ["--txid", txidIn(await alice(...UPDATES, "init", "-m", "two of three"))];
      const add = [...UPDATES, "add-offline-key", "--role", "root", "--keys"];
      const sign = [...UPDATES, "sign", "--keys"];
      await bob(...add, file("bob.tgz"), ...txid);
      await carol(...add, file("carol.tgz"), ...txid);
      await alice(...UPDATES, "set-threshold", "2", "--role", "root");
      await alice(...sign, file("alice.tgz"));
      assertSays(await bob(...UPDATES, "review"), /mandatory before applying it:\n - /);
      assertSays(await alice.failing(...UPDATES, "apply"), /: 422 [^]*No changes were made/);
      await bob(...sign, file("bob.tgz"), ...txid);
      await carol(...UPDATES, "apply", ...txid);

      txid = ["--txid", txidIn(await bob(...UPDATES, "init", "-m", "bob has a new key"))];
      const rotate = [...UPDATES, "rotate-offline-key", "--role", "root", "--sign", "--keys"];
      await bob(...rotate, file("bob.tgz"));
      assertSays(await bob.failing(...UPDATES, "apply"), /: 422 /);
      await carol(...sign, file("carol.tgz"), ...txid);
      await alice(...UPDATES, "apply", ...txid);

      txid = ["--txid", txidIn(await alice(...UPDATES, "init", "-m", "carol leaves"))];
      await alice(
        ...UPDATES,
        "delete-offline-key",
        "--role",
        "root",
        "--key-id",
        await keyOf(cast, "carol"),
      );
      await alice(...sign, file("alice.tgz"));
      await bob(...sign, file("bob.tgz"), ...txid);
      await bob(...UPDATES, "apply", ...txid);
    },
  },
  "with-our-own-tool": {
    versions: 5,
    byLink: true,
    recorded: false,
    play: async (cast) => {
      const { alice, file } = cast;
      const [bob, keys] = [await cast.invite("bob"), file("alice.tgz")];
      // The archive is ours; each tool goes on with what the other one wrote.
      await alice(...ROTATE, "root", "--keys", keys);
      await alice.rootward("keys", "rotate", keys);
      // Bob and fioctl begin; alice signs with our tool, and applies.
      let txid = ["--txid", txidIn(await bob(...UPDATES, "init", "-m", "two of two"))];
      await bob(...UPDATES, "add-offline-key", "--role", "root", "--keys", file("bob.tgz"));
      await bob(...UPDATES, "set-threshold", "2", "--role", "root");
      await bob(...UPDATES, "sign", "--keys", file("bob.tgz"));
      const sign = ["keys", "sign", keys, ...txid];
      const [, digest = "none"] =
        /--accept-changes ([0-9a-f]{64})/.exec(await alice.rootwardFailing(...sign)) ?? [];
      await alice.rootward(...sign, "--accept-changes", digest);
      await bob(...UPDATES, "apply");
      // Our tool begins; bob signs with fioctl.
      const begun = await alice.rootward("keys", "rotate", keys);
      txid = ["--txid", /^transaction  (\S+);/m.exec(begun)?.[1] ?? "none"];
      await bob(...UPDATES, "sign", "--keys", file("bob.tgz"), ...txid);
      await alice.rootward("root", "apply", "--factory", cast.factory.name);
    },
  },
  "download-roots": {
    versions: 3,
    play: async (cast) => {
      const { alice, file } = cast;
      const keys = await takeRootKey(cast);
      await alice(...ROTATE, "root", "--keys", keys);
      for (const prod of [[], ["--prod"]]) {
        await alice("tuf", "download-roots", file("roots.tar.gz"), ...prod);
        const names = namesIn(file("roots.tar.gz")).join();
        if (names !== "1.root.json,2.root.json,3.root.json") throw new WrongEnding(names);
      }
    },
  },
};

/** The root key that the latest root says belongs to a user. */
async function keyOf({ factory }: Cast, user: string): Promise<string> {
  const root = latest((await readChains(factory)).ci);
  const owners = root.signed["x-key-owners"] ?? {};
  return keyidsOf(root, "root").find((id) => owners[id]?.["polis-id"] === user) ?? "none";
}

function assertSame(file: string, before: Buffer): void {
  if (!existsSync(file) || !readFileSync(file).equals(before)) {
    throw new WrongEnding(`${file} has changed`);
  }
}
