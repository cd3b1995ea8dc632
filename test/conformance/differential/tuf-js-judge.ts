/**
 * What tuf-js does with a root update: its public Updater with a device's folder and a fetcher that
 * offers one newer root. A root that it takes is followed by the request for the timestamp.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BaseFetcher, Updater } from "tuf-js";
import type { ClientVerdict, Update } from "./compare.ts";

/** Devices at the same time: most of an update is waiting for temporary files. */
const DEVICES = 16;

/** The client is through with roots. */
class RootTaken extends Error {}

class OneRoot extends BaseFetcher {
  readonly #root: Uint8Array;

  constructor(root: Uint8Array) {
    super();
    this.#root = root;
  }

  override async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    if (!url.endsWith(".root.json")) throw new RootTaken();
    return new Blob([new Uint8Array(this.#root)]).stream();
  }
}

export class TufJsJudge {
  readonly #folder = mkdtempSync(join(tmpdir(), "rootward-tuf-js-"));

  async verdicts(updates: readonly Update[]): Promise<readonly ClientVerdict[]> {
    const verdicts: ClientVerdict[] = [];
    const left = updates.entries();
    const device = async (name: number): Promise<void> => {
      const folder = join(this.#folder, String(name));
      mkdirSync(folder);
      for (const [i, update] of left) verdicts[i] = await verdict(folder, update);
    };
    await Promise.all(Array.from({ length: DEVICES }, (_unused, name) => device(name)));
    return verdicts;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

async function verdict(folder: string, { trusted, candidate }: Update): Promise<ClientVerdict> {
  writeFileSync(join(folder, "root.json"), trusted);
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: "https://device.invalid",
    fetcher: new OneRoot(candidate),
    config: { maxRootRotations: 1 },
  });
  try {
    await updater.refresh();
  } catch (error) {
    if (error instanceof RootTaken) return { accepts: true, says: "" };
    return { accepts: false, says: String(error) };
  }
  throw new Error("tuf-js asked for no timestamp");
}
