/**
 * fioctl before 0.30, which sends the ci root and the prod root one after the other: the owner's way,
 * what happens when the second root does not arrive, and how a staged update of a newer release and a
 * direct one exclude each other.
 */
import { existsSync, rmSync } from "node:fs";
import { latest, readChains } from "../../test/support/fioctl/factory.ts";
import { keyidsOf } from "../../test/support/fioctl/root-document.ts";
import { assertSays, WrongEnding, type Cast } from "./cast.ts";
import { assertArchive, namesIn, ROTATE, type Stories } from "./story.ts";

/** The differences between the releases that represent all of them. */
export interface OldRelease {
  /** Arguments that choose the new key's type; 0.23 knows RSA alone. */
  readonly keyType: readonly string[];
  /** Sends the prod root that an earlier run did not. */
  readonly syncProd: (keys: string) => readonly string[];
}

const ED25519 = ["--key-type", "ed25519"] as const;
const FLAG = (keys: string): readonly string[] => ["rotate-root", keys, "--sync-prod"];
const COMMAND = (keys: string): readonly string[] => ["tuf", "sync-prod-root", "--keys", keys];

/** @param help of `fioctl keys tuf` and of `fioctl keys rotate-root` */
export function oldRelease(help: string): OldRelease {
  if (help.includes("rotate-offline-key")) return { keyType: ED25519, syncProd: COMMAND };
  return { keyType: help.includes("--key-type") ? ED25519 : [], syncProd: FLAG };
}

export function oldStories({ keyType, syncProd }: OldRelease): Stories {
  const rotate = (keys: string): readonly string[] => ["rotate-root", keys, ...keyType];
  const initial = (keys: string): readonly string[] => [...rotate(keys), "--initial"];
  const type = keyType.length === 0 ? ({ keyType: "rsa" } as const) : {};
  return {
    direct: {
      ...type,
      versions: 4,
      play: async (cast) => {
        const { alice, file } = cast;
        const keys = file("keys.tgz");
        await alice(...initial(keys));
        for (const _ of [3, 4]) await alice(...rotate(keys));
        assertArchive(keys, 8);
        // The id is that of the key object, and not that of the key.
        const [id = ""] = keyidsOf(latest((await readChains(cast.factory)).ci), "root");
        if (!namesIn(keys).includes(`tufrepo/keys/fioctl-root-${id}.sec`)) {
          throw new WrongEnding(`the archive has no key ${id}`);
        }
      },
    },
    "direct-targets": {
      ...type,
      versions: 5,
      play: async ({ alice, file }) => {
        const keys = file("keys.tgz");
        await alice(...initial(keys));
        await alice("rotate-targets", keys, ...keyType);
        await alice("rotate-targets", keys, ...keyType);
        assertSays(await alice("resign-root", keys, "--dryrun"), /"version": 5/);
        await alice("resign-root", keys);
      },
    },
    "direct-lagging": {
      ...type,
      versions: 4,
      play: async (cast) => {
        const { alice, file, recorder } = cast;
        const keys = file("keys.tgz");
        await alice(...initial(keys));
        recorder.setRule(async ({ method, path }, forward) =>
          method === "POST" && path.endsWith("?production=1")
            ? { status: 503, body: JSON.stringify({ message: "try again later" }) }
            : forward(),
        );
        await alice.failing(...rotate(keys));
        recorder.setRule(null);
        // The ci root is in force, so the archive has its key.
        assertArchive(keys, 6);
        for (const command of [rotate(keys), ["resign-root", keys]]) {
          assertSays(await alice.failing(...command), /root role is out of sync/);
        }
        rmSync(`${keys}.tmp`, { force: true });
        await alice(...syncProd(keys));
        await alice(...syncProd(keys));
        await alice(...rotate(keys));
      },
    },
    "direct-then-staged": {
      ...type,
      versions: 4,
      play: async ({ alice, newer, file }) => {
        if (newer === null) throw new WrongEnding("needs a newer release: FIOCTL=/new:/old");
        const keys = file("keys.tgz");
        await alice(...initial(keys));
        await newer(...ROTATE, "root", "--keys", keys);
        await newer(...ROTATE, "targets", "--keys", keys);
      },
    },
    "direct-while-staged": {
      ...type,
      versions: 2,
      play: async (cast) => {
        const { alice, file } = cast;
        const keys = file("keys.tgz");
        await alice(...initial(keys));
        await init(cast);
        assertSays(await alice.failing("resign-root", keys), /: 423 Locked/);
        assertSays(await alice.failing(...rotate(keys)), /: 423 Locked/);
        if (!existsSync(`${keys}.tmp`)) throw new WrongEnding("the new key was thrown away");
        assertSays(await alice.failing(...rotate(keys)), /Backup file exists/);
        rmSync(`${keys}.tmp`);
        await updates(cast, "cancel");
      },
    },
  };
}

/** A newer release begins an update: its request is short enough to be made here. */
async function init(cast: Cast): Promise<void> {
  const body = { message: "under way", "first-time": false, shortcut: false };
  await updates(cast, "", body);
}

async function updates({ factory }: Cast, step: string, body?: unknown): Promise<void> {
  const { url, token } = factory.alice;
  const path = `/ota/repo/${factory.name}/api/v1/user_repo/root/updates`;
  const response = await fetch(`${url}${path}${step === "" ? "" : `/${step}`}`, {
    method: "POST",
    headers: { "OSF-TOKEN": token, "Content-Type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new WrongEnding(`${path}: ${response.status}`);
}
