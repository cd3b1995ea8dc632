/**
 * Sealed archives in S3, in a bucket without versions or replicas. A presigned URL carries its own
 * permissions; S3 rejects altered and expired ones. S3 counts whole seconds, so a URL ends with the last
 * second that is over before its time.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { Archives } from "../../service/ports.ts";
import type { Sha256 } from "../../tuf/bytes.ts";
import { clientOptions } from "./clients.ts";

export class S3Archives implements Archives {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(s3: S3Client, bucket: string, now: () => number) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#now = now;
  }

  async put(idHash: Sha256, object: Uint8Array): Promise<void> {
    await this.#s3.send(
      new PutObjectCommand({
        ...this.#at(idHash),
        Body: object,
        ContentType: "application/octet-stream",
        CacheControl: "no-store",
      }),
    );
  }

  async presign(idHash: Sha256, until: number): Promise<string> {
    const end = Math.ceil(until / 1000) - 1;
    // S3 takes no URL that works for less than a second: one that is over already began earlier.
    const start = Math.min(Math.floor(this.#now() / 1000), end - 1);
    return getSignedUrl(this.#s3, new GetObjectCommand(this.#at(idHash)), {
      signingDate: new Date(start * 1000),
      expiresIn: end - start,
    });
  }

  /** S3 says that an object is not there only to whom it lets list the bucket. */
  async get(idHash: Sha256): Promise<Uint8Array | null> {
    try {
      const { Body: body } = await this.#s3.send(new GetObjectCommand(this.#at(idHash)));
      return new Uint8Array((await body?.transformToByteArray()) ?? []);
    } catch (error) {
      if (Error.isError(error) && error.name === "NoSuchKey") return null;
      throw error;
    }
  }

  async delete(idHash: Sha256): Promise<void> {
    await this.#s3.send(new DeleteObjectCommand(this.#at(idHash)));
  }

  #at(idHash: Sha256): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: `archives/${idHash}` };
  }
}

/** In a bucket of AWS's own S3. */
export function archivesIn(bucket: string): Archives {
  return new S3Archives(new S3Client(clientOptions()), bucket, Date.now);
}
