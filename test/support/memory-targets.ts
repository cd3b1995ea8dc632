/** A publisher past HTTP, and what a test may ask afterwards of the targets that are in force. */
import { readHead, readVersion, targetsOf } from "../../lib/service/store.ts";
import {
  publishTargets,
  readTargets,
  type PublishedTargets,
} from "../../lib/service/publish-targets.ts";
import type { Service } from "../../lib/service/service.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import { FACTORY } from "./memory-owner.ts";
import { ownerOf } from "./memory-root-update.ts";

/** The entry of a file that holds just this text. */
export function entryOf(text: string, custom?: JsonObject): JsonObject {
  const hashes = jsonObject({ sha256: sha256Text(text) });
  return jsonObject({ length: text.length, hashes, custom });
}

/** Files by name, as entries. */
export function entriesOf(files: Readonly<Record<string, string>>): JsonObject {
  return jsonObject(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [name, entryOf(text)])),
  );
}

export async function publish(
  service: Service,
  files: Readonly<Record<string, string>>,
  remove: readonly string[] = [],
): Promise<PublishedTargets> {
  const principal = await ownerOf(service);
  const entries = entriesOf(files);
  return publishTargets(service, { factory: FACTORY, principal, entries, remove });
}

/** All entries in force. */
export async function targetsIn(service: Service): Promise<JsonObject> {
  return (await readTargets(service, await readHead(service, FACTORY))).targets;
}

/** All entries of one version of the first channel, which need not be the newest. */
export async function targetsAt(
  service: Service,
  { channel, version }: Pick<PublishedTargets, "channel" | "version">,
): Promise<JsonObject> {
  const head = await readHead(service, FACTORY);
  return targetsOf(await readVersion(service, head, channel, "targets", version));
}
