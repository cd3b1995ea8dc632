/**
 * Online keys in AWS KMS: RSA-4096, made there and never outside. KMS is given the digest of what is
 * signed (`MessageType: DIGEST`), since a document may be longer than the 4096 bytes that it takes,
 * and signs RSASSA-PSS with a salt as long as the digest, which is what TUF's `rsassa-pss-sha256` is.
 *
 * The tags of a key name its Factory, for people and for policies. That no handle moves to another's record
 * rests on the records, which the boundary alone writes.
 */
import { createHash } from "node:crypto";
import {
  CreateKeyCommand,
  type CreateKeyCommandInput,
  GetPublicKeyCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  KMSClient,
} from "@aws-sdk/client-kms";
import { RootwardError } from "../../error.ts";
import type { FactoryRef } from "../../service/ports.ts";
import type { KeyStore, OnlineKey } from "../../signing/key-store.ts";
import type { OnlineRole } from "../../tuf/dialect.ts";
import type { KeyType } from "../../tuf/keys.ts";
import { fromBase64, toBase64 } from "../../tuf/bytes.ts";
import { fromSpki, type PublicKey } from "../../tuf/spki.ts";
import { clientOptions } from "./clients.ts";
import { once } from "./once.ts";

/** The longest that KMS waits before it deletes: an error can be taken back until then. */
const PENDING_DAYS = 30;

/** KMS's errors for a key that is scheduled for deletion already, or gone. */
const DELETED = ["KMSInvalidStateException", "NotFoundException"];

export class KmsKeys implements KeyStore {
  readonly #kms: KMSClient;

  constructor(kms: KMSClient) {
    this.#kms = kms;
  }

  async make(ref: FactoryRef, role: OnlineRole, type: KeyType) {
    if (type !== "rsa") {
      throw new RootwardError(
        "malformed",
        "online keys of this role are kept in KMS, which signs no Ed25519 metadata: ask for RSA ones",
      );
    }
    const input: CreateKeyCommandInput = {
      KeySpec: "RSA_4096",
      KeyUsage: "SIGN_VERIFY",
      Description: `Rootward: ${role} of ${ref.factory}`,
      Tags: [
        { TagKey: "rootward:factory", TagValue: ref.factory },
        { TagKey: "rootward:instance", TagValue: ref.instance },
        { TagKey: "rootward:role", TagValue: role },
      ],
    };
    // Once: a key that is made by a request whose answer was lost is named by nothing, and is paid for.
    const { KeyMetadata: made } = await unlessThrottled(() =>
      this.#kms.send(once(new CreateKeyCommand(input))),
    );
    const id = made?.Arn ?? made?.KeyId;
    if (id === undefined) throw new RootwardError("internal", "KMS made a key without a name");
    const { PublicKey: spki } = await this.#kms.send(new GetPublicKeyCommand({ KeyId: id }));
    const publicKey = fromSpki(new Uint8Array(spki ?? []));
    return { publicKey, handle: encode(id, publicKey) };
  }

  async open(handle: Uint8Array): Promise<OnlineKey> {
    const { id, publicKey } = decode(handle);
    const sign = async (message: Uint8Array): Promise<Uint8Array> => {
      const { Signature: signature } = await this.#kms.send(
        new SignCommand({
          KeyId: id,
          Message: createHash("sha256").update(message).digest(),
          MessageType: "DIGEST",
          SigningAlgorithm: "RSASSA_PSS_SHA_256",
        }),
      );
      if (signature === undefined) throw new RootwardError("internal", "KMS gave no signature");
      return new Uint8Array(signature);
    };
    return { publicKey, sign };
  }

  async destroy(handle: Uint8Array): Promise<void> {
    const KeyId = decode(handle).id;
    try {
      await this.#kms.send(
        new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: PENDING_DAYS }),
      );
    } catch (error) {
      if (!Error.isError(error) || !DELETED.includes(error.name)) throw error;
    }
  }
}

/** Milliseconds before each repetition. */
const WAITS = [200, 600, 1800];

/** Asks again where KMS says that it was asked too often: then it did nothing. */
async function unlessThrottled<T>(ask: () => Promise<T>): Promise<T> {
  for (const wait of WAITS) {
    try {
      return await ask();
    } catch (error) {
      if (!Error.isError(error) || error.name !== "ThrottlingException") throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return ask();
}

/** In AWS's own KMS. */
export function keysInKms(): KeyStore {
  return new KmsKeys(new KMSClient(clientOptions()));
}

/** The key's ARN and its public half, so that reading a key asks nobody. */
function encode(id: string, { spki }: PublicKey): Uint8Array {
  return new TextEncoder().encode(`${id} ${toBase64(spki)}`);
}

function decode(handle: Uint8Array): { readonly id: string; readonly publicKey: PublicKey } {
  const [id = "", text = ""] = new TextDecoder().decode(handle).split(" ");
  const spki = fromBase64(text);
  if (spki === null) throw new RootwardError("internal", "a record of a KMS key is damaged");
  return { id, publicKey: fromSpki(spki) };
}
