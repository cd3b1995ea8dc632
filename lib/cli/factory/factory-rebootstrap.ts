/** `rootward factory rebootstrap`: a new root key and link in the place of those that were lost. */
import { rebootstrapFactory } from "../../api/factories.ts";
import type { KeyType } from "../../tuf/keys.ts";
import { line } from "../../text/line.ts";
import { assertAbout, type Client } from "../client.ts";
import { bootstrapLines } from "./factory-create.ts";
import type { Terminal } from "../terminal.ts";

export interface RebootstrapOptions {
  readonly name: string;
  /** SHA-256 of the root version 1 that goes. */
  readonly replaces: string;
  /** As before where it is left out, and so with those below. */
  readonly keyType?: KeyType;
  readonly onlineKeyType?: KeyType;
  readonly ownerId?: string;
  readonly ownerEmail?: string;
  readonly ownerToken?: string;
  readonly noDeviceExists: boolean;
  readonly provisionerEmail?: string;
  /** X.509 PEM; null for none; undefined where nothing was said. */
  readonly recipientCertificate: string | null | undefined;
}

export async function factoryRebootstrap(
  client: Client,
  terminal: Terminal,
  options: RebootstrapOptions,
): Promise<void> {
  const { name, ownerId, ownerEmail, provisionerEmail, ...rest } = options;
  const { replaces, keyType, onlineKeyType, ownerToken, noDeviceExists } = rest;
  const { recipientCertificate } = rest;
  // An undefined member is not sent, and stays as it was.
  const body = {
    replaces,
    keyType,
    onlineKeyType,
    ownerToken,
    noDeviceExists,
    recipientCertificate,
    owner: { id: ownerId, email: ownerEmail },
    ...(provisionerEmail !== undefined && { provisioner: { email: provisionerEmail } }),
  };
  const made = await terminal.step(line`bootstrapping Factory ${name} again`, () =>
    client.call(rebootstrapFactory, { factory: name }, { body }),
  );
  assertAbout(made, name);
  terminal.result(made, [
    ...bootstrapLines(made),
    line`The earlier link, the archive downloaded with it, and every earlier token of this Factory no`,
    line`longer work.`,
  ]);
}
