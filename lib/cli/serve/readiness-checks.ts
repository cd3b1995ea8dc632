/**
 * The parts that the embedded form needs to do its work. Each check does a little of the real thing: a row
 * is written, a file is written, the signer writes a row of its own. To add one, add it to the list.
 */
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../service/ports.ts";
import type { Check, Verdict } from "../../service/readiness.ts";
import type { Signer } from "../../signing/operations.ts";

/** Less than this is too little: a database of some size takes more for its log. */
const FREE_BYTES = 100 * 1024 * 1024;

export interface CheckedParts {
  /** The folder of the service's data: only folders in it may be looked at (launch.ts). */
  readonly dataFolder: string;
  readonly outboxFolder: string;
  readonly databaseState: () => Promise<{ readonly writable: boolean }>;
  readonly signer: Pick<Signer, "check">;
  /** The clock that the service uses. */
  readonly clock: Pick<Clock, "doubt">;
  /** Milliseconds since the last run of the schedule ended, or since the start. */
  readonly sinceRun: () => number;
  /** How long that may be, in milliseconds. */
  readonly runWithin: number;
  /** Bytes; {@link FREE_BYTES} unless given. */
  readonly free?: number;
}

export function embeddedChecks(parts: CheckedParts): readonly Check[] {
  const { outboxFolder, databaseState, signer, clock, sinceRun, runWithin } = parts;
  const { free = FREE_BYTES } = parts;
  const folders = [join(parts.dataFolder, "archives"), outboxFolder];
  return [
    {
      name: "database",
      judge: async () =>
        verdict(
          (await databaseState()).writable,
          "takes writes",
          "takes no writes: its disk is full, or another program locks it",
        ),
    },
    {
      name: "disk",
      judge: async () => {
        const left = await Promise.all(folders.map(freeBytes));
        const megabytes = Math.floor(free / 1024 / 1024);
        return verdict(
          Math.min(...left) >= free,
          "has room",
          `has less than ${megabytes} MB free for the data or the outbox`,
        );
      },
    },
    {
      name: "signer",
      judge: async () => {
        const failed = await signer.check?.().then(
          () => false,
          () => true,
        );
        return verdict(failed !== true, "answers", "is away, or cannot write its records");
      },
    },
    {
      name: "outbox",
      judge: async () => {
        const written = await writes(outboxFolder);
        return verdict(
          written,
          "takes messages",
          "takes no messages: its folder cannot be written",
        );
      },
    },
    {
      name: "clock",
      judge: async () => {
        const doubt = clock.doubt();
        return verdict(doubt === null, "is believed", doubt ?? "");
      },
    },
    {
      name: "schedule",
      judge: async () => {
        const since = sinceRun();
        return verdict(
          since <= runWithin,
          "runs",
          `has not finished a run for ${Math.floor(since / 60_000)} minutes`,
        );
      },
    },
  ];
}

function verdict(ok: boolean, good: string, bad: string): Verdict {
  return { ok, message: ok ? good : bad };
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** One name for all tries, so that nothing piles up. A mailer that watches the folder takes *.eml alone. */
async function writes(folder: string): Promise<boolean> {
  const file = join(folder, ".readyz.tmp");
  try {
    await writeFile(file, "readyz\n", { mode: 0o600 });
    return true;
  } catch {
    return false;
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}
