/**
 * Wrapping under a KMS key that never leaves KMS. The context is KMS's encryption context: bound to
 * what is wrapped, and legible in its log, so it holds no secret.
 */
import { DecryptCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import { RootwardError } from "../../error.ts";
import type { KeyWrapper } from "../../service/ports.ts";
import { clientOptions } from "./clients.ts";

/** The most that KMS encrypts in one call: an RSA-4096 key has 2.4 KB. */
const MAX_BYTES = 4096;

/** KMS's errors for bytes that were changed, or wrapped in another context or under another key. */
const REFUSALS = ["InvalidCiphertextException", "IncorrectKeyException"];

type Context = Readonly<Record<string, string>>;

export class KmsWrapper implements KeyWrapper {
  readonly #kms: KMSClient;
  readonly #keyId: string;

  /** @param keyId the ARN of a symmetric key, which is asked for at each unwrapping, too */
  constructor(kms: KMSClient, keyId: string) {
    this.#kms = kms;
    this.#keyId = keyId;
  }

  /** @throws RootwardError `internal` for nothing, and for more than 4096 bytes */
  async wrap(plain: Uint8Array, context: Context): Promise<Uint8Array> {
    if (plain.length < 1 || plain.length > MAX_BYTES) {
      throw new RootwardError(
        "internal",
        `expected 1 to ${MAX_BYTES} bytes to wrap, got ${plain.length}`,
      );
    }
    const { CiphertextBlob: wrapped } = await this.#kms.send(
      new EncryptCommand({ KeyId: this.#keyId, Plaintext: plain, EncryptionContext: context }),
    );
    if (wrapped === undefined) throw new RootwardError("internal", "KMS wrapped nothing");
    return new Uint8Array(wrapped);
  }

  async unwrap(wrapped: Uint8Array, context: Context): Promise<Uint8Array> {
    try {
      const { Plaintext: plain } = await this.#kms.send(
        new DecryptCommand({
          KeyId: this.#keyId,
          CiphertextBlob: wrapped,
          EncryptionContext: context,
        }),
      );
      if (plain === undefined) throw new RootwardError("internal", "KMS unwrapped nothing");
      return new Uint8Array(plain);
    } catch (error) {
      if (!Error.isError(error) || !REFUSALS.includes(error.name)) throw error;
      throw new RootwardError(
        "internal",
        "wrapped key does not open: it was wrapped with another key or for something else",
      );
    }
  }
}

/** Under a key in AWS's own KMS. */
export function wrapperUnder(keyId: string): KeyWrapper {
  return new KmsWrapper(new KMSClient(clientOptions()), keyId);
}
