/**
 * The part of AWS KMS that we use, on loopback, written after its API reference: RSA keys that sign a
 * digest. It refuses what the reference says that KMS refuses. PSS is encoded by hand (RFC 8017, 9.1.1)
 * because OpenSSL, as Node offers it, wants the message.
 */
import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPair,
  privateEncrypt,
  randomBytes,
  randomUUID,
  type KeyObject,
} from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { promisify } from "node:util";

export interface FakeKms {
  readonly endpoint: string;
  /** What each key was made with, by ARN. */
  readonly keys: ReadonlyMap<string, { readonly tags: unknown; readonly state: string }>;
  /** The requests so far, by operation and the members that matter to a reader. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

interface Key {
  readonly privateKey: KeyObject;
  readonly tags: unknown;
  state: "Enabled" | "PendingDeletion";
}

type Body = Record<string, unknown>;

let privateKey: KeyObject | undefined;

class Refusal extends Error {}

export async function startKms(): Promise<FakeKms> {
  const keys = new Map<string, Key>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const target = String(request.headers["x-amz-target"]);
    const operation = target.replace("TrentService.", "");
    const signed = request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ") === true;
    void (async () => {
      const body = (await json(request)) as Body;
      asked.push(operation);
      try {
        if (!signed) throw new Refusal("MissingAuthenticationTokenException");
        const answered = JSON.stringify(await answer(keys, operation, body));
        response.writeHead(200, { "Content-Type": "application/x-amz-json-1.1" });
        response.end(answered);
      } catch (error) {
        const name = error instanceof Refusal ? error.message : "KMSInternalException";
        response.writeHead(400, { "Content-Type": "application/x-amz-json-1.1" });
        response.end(JSON.stringify({ __type: name, message: name }));
      }
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    asked,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function answer(keys: Map<string, Key>, operation: string, body: Body): Promise<Body> {
  if (operation === "CreateKey") {
    if (body["KeySpec"] !== "RSA_4096" || body["KeyUsage"] !== "SIGN_VERIFY") {
      throw new Refusal("ValidationException");
    }
    // One for all of them: making another takes seconds.
    privateKey ??= (await promisify(generateKeyPair)("rsa", { modulusLength: 4096 })).privateKey;
    const arn = `arn:aws:kms:eu-west-1:111122223333:key/${randomUUID()}`;
    keys.set(arn, { privateKey, tags: body["Tags"], state: "Enabled" });
    return { KeyMetadata: { Arn: arn, KeyId: arn.split("/")[1] } };
  }
  const id = String(body["KeyId"]);
  const key = keys.get(id);
  if (key === undefined) throw new Refusal("NotFoundException");
  if (key.state !== "Enabled") throw new Refusal("KMSInvalidStateException");
  switch (operation) {
    case "GetPublicKey": {
      const spki = createPublicKey(key.privateKey).export({ type: "spki", format: "der" });
      return { KeyId: id, PublicKey: spki.toString("base64") };
    }
    case "Sign":
      return { KeyId: id, Signature: signature(key, body).toString("base64") };
    case "ScheduleKeyDeletion": {
      const days = Number(body["PendingWindowInDays"]);
      if (!(days >= 7 && days <= 30)) throw new Refusal("ValidationException");
      key.state = "PendingDeletion";
      return { KeyId: id };
    }
    default:
      throw new Refusal("UnknownOperationException");
  }
}

function signature(signer: Key, body: Body): Buffer {
  const digest = Buffer.from(String(body["Message"]), "base64");
  const { MessageType: type, SigningAlgorithm: algorithm } = body;
  if (type !== "DIGEST" || algorithm !== "RSASSA_PSS_SHA_256" || digest.length !== 32) {
    throw new Refusal("ValidationException");
  }
  const key = { key: signer.privateKey, padding: constants.RSA_NO_PADDING };
  return privateEncrypt(key, encodePss(digest, 512));
}

/** EMSA-PSS with SHA-256, MGF1 of it, and 32 bytes of salt, for a modulus of `size` full bytes. */
function encodePss(digest: Buffer, size: number): Buffer {
  const sha256 = (...parts: readonly Buffer[]): Buffer =>
    createHash("sha256").update(Buffer.concat(parts)).digest();
  const salt = randomBytes(32);
  const hash = sha256(Buffer.alloc(8), digest, salt);
  const block = Buffer.concat([Buffer.alloc(size - 66), Buffer.from([1]), salt]);
  for (let at = 0; at < block.length; at += 1) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(Math.floor(at / 32));
    block[at] = (block[at] ?? 0) ^ (sha256(hash, counter)[at % 32] ?? 0);
  }
  block[0] = (block[0] ?? 0) & 0x7f;
  return Buffer.concat([block, hash, Buffer.from([0xbc])]);
}
