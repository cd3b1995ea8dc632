/**
 * The first root key of a Factory without a download link. The service can read it as long as a root lists
 * it (docs/delivery.md says so). It yields the key to the owner's own token only, each time with an event
 * in the log and a message to the owner.
 */
import { readArchive } from "../../archive/archive.ts";
import { FIRST_ROOT_KEY } from "../../archive/keys.ts";
import { openArchive } from "../../delivery/sealing.ts";
import { RootwardError } from "../../error.ts";
import { assertEscrowed, readInitialKey } from "../../state/initial-key.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../tuf/json.ts";
import type { Principal } from "../authority.ts";
import { change } from "../change.ts";
import { shareContext } from "./deliver.ts";
import { eventContext, type Needs, type Changes } from "../service.ts";

/** Without a link there is no secret T: the share alone opens the archive. */
export const NO_SECRET = new Uint8Array(0);

const MAX_KEY_BYTES = 65_536;

/** The two key objects as archives hold them. */
export interface InitialKey {
  /** A secret. */
  readonly sec: JsonObject;
  readonly pub: JsonObject;
}

/**
 * Hands over the key, after the log says so.
 *
 * @throws RootwardError `initial-key-gone`, `forbidden`
 */
export async function takeInitialKey(
  service: Needs<Changes | "archives" | "shares" | "wrapper">,
  factory: FactoryName,
  principal: Principal,
): Promise<InitialKey> {
  const reading = { factory, by: principal, effects: "awaited" } as const;
  const { key } = await change(service, reading, async (head) => ({
    key: await openInitialKey(service, head, principal),
    transition: readInitialKey(head, principal.token.user, eventContext(service, principal.actor)),
  }));
  return key;
}

/**
 * Opens the escrowed key. The caller logs it before handing it over.
 *
 * @throws RootwardError `initial-key-gone`, `forbidden`
 */
export async function openInitialKey(
  service: Needs<"archives" | "shares" | "wrapper">,
  head: Head,
  { token }: Principal,
): Promise<InitialKey> {
  if (token.bound === null || !token.scopes.includes("root:update")) {
    throw new RootwardError(
      "forbidden",
      "the first root key is the owner's: ask for it with the owner's token of this Factory",
    );
  }
  assertEscrowed(head);
  const { idHash } = head.delivery;
  const wrapped = await service.shares.get(idHash);
  const object = await service.archives.get(idHash);
  if (wrapped === null || object === null) {
    throw new RootwardError("internal", `the escrowed key of ${head.factory} is missing`);
  }
  const share = await service.wrapper.unwrap(wrapped, shareContext(idHash));
  const entries = await readArchive(await openArchive(object, { secret: NO_SECRET, share }));
  const half = (ending: string): JsonObject => {
    const bytes = entries.get(`${FIRST_ROOT_KEY}.${ending}`);
    const value = bytes && parseJson(bytes, { maxBytes: MAX_KEY_BYTES });
    if (isJsonObject(value)) return value;
    throw new RootwardError("internal", `the escrowed key of ${head.factory} is damaged`);
  };
  return { sec: half("sec"), pub: half("pub") };
}
