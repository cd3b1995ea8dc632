/** The parts of every story with the real fioctl. */
import { join } from "node:path";
import { existsSync, readFileSync } from "node:fs";
import { listTarball } from "../../test/support/cli-tar.ts";
import { WrongEnding, type Cast } from "./cast.ts";

export interface Story {
  /** How many roots each chain has at the end. */
  readonly versions: number;
  /** `new` where online keys are rotated. */
  readonly onlineKeys?: "new";
  /** The type of the Factory's first keys; Ed25519 unless given. */
  readonly keyType?: "rsa";
  /** How far the service's clock is behind at first; milliseconds. Such a story moves it. */
  readonly behind?: number;
  /** The archive comes by a link, and not from fioctl; our own tool rotates its key. */
  readonly byLink?: true;
  /** Whether the requests of fioctl alone make the whole story, and show what no other story shows. */
  readonly recorded?: false;
  readonly play: (cast: Cast) => Promise<void>;
}

export type Stories = Readonly<Record<string, Story>>;

export const DAY = 86_400_000;

export const UPDATES = ["tuf", "updates"] as const;
export const ROTATE = ["tuf", "rotate-offline-key", "--role"] as const;

/** Alice takes the first root key offline. @returns the path of her archive */
export async function takeRootKey({ alice, file }: Cast, name = "root.tgz"): Promise<string> {
  const keys = file(name);
  await alice(...ROTATE, "root", "--keys", keys, "--first-time");
  return keys;
}

/** The names in an archive, sorted. */
export function namesIn(archive: string): readonly string[] {
  return listTarball(readFileSync(archive))
    .map(({ name }) => name)
    .sort();
}

/** @throws unless the archive has so many files, and no half-written one lies beside it */
export function assertArchive(archive: string, files: number): void {
  if (existsSync(`${archive}.tmp`)) throw new WrongEnding(`${archive}.tmp is left behind`);
  const names = namesIn(archive);
  const keys = names.every((name) => name.startsWith(join("tufrepo", "keys")));
  if (names.length !== files || !keys) {
    throw new WrongEnding(`expected ${files} files of keys in ${archive}: ${names.join(", ")}`);
  }
}
