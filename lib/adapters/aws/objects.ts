/** Long documents in S3, under names that their content gives them; documents.ts says which are long. */
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { clientOptions } from "./clients.ts";
import type { Objects } from "./documents.ts";

export class S3Objects implements Objects {
  readonly #s3: S3Client;
  readonly #bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const target = { Bucket: this.#bucket, Key: name };
    await this.#s3.send(
      new PutObjectCommand({ ...target, Body: bytes, ContentType: "application/json" }),
    );
  }

  async get(name: string): Promise<Uint8Array> {
    const { Body: body } = await this.#s3.send(
      new GetObjectCommand({ Bucket: this.#bucket, Key: name }),
    );
    return new Uint8Array((await body?.transformToByteArray()) ?? []);
  }
}

/** In a bucket of AWS's own S3. */
export function objectsIn(bucket: string): Objects {
  return new S3Objects(new S3Client(clientOptions()), bucket);
}
