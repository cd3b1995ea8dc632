/** A device with a standard TUF client (tuf-js), which reads straight from a service in memory. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { Updater } from "tuf-js";
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import { isRootwardError } from "../../lib/error.ts";
import { FAR } from "../../lib/state/schedule.ts";
import { findForDevice } from "../../lib/service/read.ts";
import type { Service } from "../../lib/service/service.ts";
import { ONLINE_ROLES, type Role } from "../../lib/tuf/dialect.ts";
import { FACTORY } from "./memory-owner.ts";

/** tuf-js asks Date; nothing else is taken from it. */
export function fakeDate(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
}

/** What a device fetches, straight from the service. */
function fetcherOf(service: Service, delay: () => Promise<void>) {
  const read = async (url: string): Promise<Buffer> => {
    await delay();
    const [, version, role] = /\/(?:(\d+)\.)?(\w+)\.json$/.exec(url) ?? [];
    const number = version === undefined ? null : Number(version);
    try {
      const { address } = await findForDevice(service, FACTORY, "main", role as Role, number);
      return Buffer.from((await service.documents.get(address)) ?? []);
    } catch (error) {
      if (!isRootwardError(error)) throw error;
      throw new DownloadHTTPError(error.message, 404);
    }
  };
  return {
    downloadBytes: read,
    downloadFile: () => Promise.reject(new Error("no target is fetched here")),
  };
}

/** A device that knows version 1 of the root, and what it has seen. */
export class Device {
  readonly #folder = mkdtempSync(join(tmpdir(), "rootward-device-"));
  readonly #service: Service;
  readonly #delay: () => Promise<void>;
  #seen: readonly number[] = [];

  /** @param delay before each request */
  constructor(service: Service, delay: () => Promise<void> = async () => {}) {
    this.#service = service;
    this.#delay = delay;
  }

  async begin(): Promise<void> {
    const { downloadBytes } = fetcherOf(this.#service, this.#delay);
    writeFileSync(
      join(this.#folder, "root.json"),
      await downloadBytes("https://fleet/1.root.json"),
    );
  }

  /**
   * Polls, and holds what it has now against what it had.
   *
   * @param anew whether a root has just given online versions a new beginning
   * @returns the client, which may be asked for targets
   */
  async poll(now: number, anew = false): Promise<Updater> {
    vi.setSystemTime(now);
    const fetcher = fetcherOf(this.#service, this.#delay);
    const options = { metadataDir: this.#folder, metadataBaseUrl: "https://fleet", fetcher };
    const updater = new Updater(options);
    await updater.refresh();
    const documents = (["root", ...ONLINE_ROLES] as const).map((role) => this.#held(role));
    for (const [i, { version, expires }] of documents.entries()) {
      const before = this.#seen[i] ?? 1;
      if (anew && i > 0) expect([before > FAR, version > FAR]).toEqual([true, false]);
      else expect(version).toBeGreaterThanOrEqual(before);
      expect(Date.parse(expires)).toBeGreaterThan(now);
    }
    this.#seen = documents.map(({ version }) => version);
    return updater;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #held(role: Role): { readonly version: number; readonly expires: string } {
    const text = readFileSync(join(this.#folder, `${role}.json`), "utf8");
    return (JSON.parse(text) as { signed: { version: number; expires: string } }).signed;
  }
}
