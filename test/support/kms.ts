/**
 * The part of AWS KMS that we use, on loopback, written after its API reference: RSA keys that sign a
 * digest, and symmetric keys that encrypt in a context. It refuses what the reference says that KMS
 * refuses. PSS is encoded by hand (RFC 8017, 9.1.1) because OpenSSL, as Node offers it, wants the
 * message.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  privateEncrypt,
  randomBytes,
  randomUUID,
  type KeyObject,
} from "node:crypto";
import { json } from "node:stream/consumers";
import { listen, type Loopback } from "./loopback.ts";
import { makeRsaKey } from "./rsa-key.ts";

export interface FakeKms extends Loopback {
  /** What each key was made with, by ARN; no tags where none were given. */
  readonly keys: ReadonlyMap<
    string,
    { readonly tags: readonly Tag[] | undefined; readonly state: string }
  >;
  /** The requests so far, by operation and the members that matter to a reader. */
  readonly asked: readonly string[];
  /** The next requests of an operation are answered that there were too many. */
  throttle(operation: string, times: number): void;
}

interface Tag {
  readonly TagKey: string;
  readonly TagValue: string;
}

interface Key {
  /** To sign with, or 32 bytes to encrypt with. */
  readonly secret: KeyObject | Buffer;
  readonly tags: readonly Tag[] | undefined;
  state: "Enabled" | "PendingDeletion";
}

type Body = Record<string, unknown>;

class Refusal extends Error {}

export async function startKms(): Promise<FakeKms> {
  const keys = new Map<string, Key>();
  const asked: string[] = [];
  const throttled = new Map<string, number>();
  const loopback = await listen((request, response) => {
    const target = String(request.headers["x-amz-target"]);
    const operation = target.replace("TrentService.", "");
    const signed = request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ") === true;
    void (async () => {
      const body = (await json(request)) as Body;
      asked.push(operation);
      try {
        if (!signed) throw new Refusal("MissingAuthenticationTokenException");
        const left = throttled.get(operation) ?? 0;
        throttled.set(operation, left - 1);
        if (left > 0) throw new Refusal("ThrottlingException");
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
  return {
    ...loopback,
    keys,
    asked,
    throttle: (operation, times) => void throttled.set(operation, times),
  };
}

async function answer(keys: Map<string, Key>, operation: string, body: Body): Promise<Body> {
  if (operation === "CreateKey") {
    const secret = await newSecret(`${String(body["KeySpec"])} ${String(body["KeyUsage"])}`);
    const arn = `arn:aws:kms:eu-west-1:111122223333:key/${randomUUID()}`;
    keys.set(arn, { secret, tags: body["Tags"] as Key["tags"], state: "Enabled" });
    return { KeyMetadata: { Arn: arn, KeyId: arn.split("/")[1] } };
  }
  const id = String(body["KeyId"]);
  const key = keys.get(id);
  if (key === undefined) throw new Refusal("NotFoundException");
  if (key.state !== "Enabled") throw new Refusal("KMSInvalidStateException");
  switch (operation) {
    case "GetPublicKey": {
      const spki = createPublicKey(signingKey(key)).export({ type: "spki", format: "der" });
      return { KeyId: id, PublicKey: spki.toString("base64") };
    }
    case "Sign":
      return { KeyId: id, Signature: signature(key, body).toString("base64") };
    case "Encrypt": {
      const plain = blob(body["Plaintext"], 4096);
      return { KeyId: id, CiphertextBlob: encrypt(key, id, plain, body).toString("base64") };
    }
    case "Decrypt": {
      const wrapped = blob(body["CiphertextBlob"], 6144);
      return { KeyId: id, Plaintext: decrypt(key, id, wrapped, body).toString("base64") };
    }
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

async function newSecret(kind: string): Promise<Key["secret"]> {
  switch (kind) {
    case "RSA_4096 SIGN_VERIFY":
      return makeRsaKey();
    case "SYMMETRIC_DEFAULT ENCRYPT_DECRYPT":
      return randomBytes(32);
    default:
      throw new Refusal("ValidationException");
  }
}

function signingKey({ secret }: Key): KeyObject {
  if (Buffer.isBuffer(secret)) throw new Refusal("InvalidKeyUsageException");
  return secret;
}

function blob(value: unknown, most: number): Buffer {
  const bytes = Buffer.from(String(value), "base64");
  if (bytes.length < 1 || bytes.length > most) throw new Refusal("ValidationException");
  return bytes;
}

/** The name of the key, 12 bytes of nonce, 16 of tag, and what was encrypted. */
function encrypt({ secret }: Key, id: string, plain: Buffer, body: Body): Buffer {
  if (!Buffer.isBuffer(secret)) throw new Refusal("InvalidKeyUsageException");
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", secret, nonce).setAAD(context(body));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nameOf(id), nonce, cipher.getAuthTag(), sealed]);
}

function decrypt({ secret }: Key, id: string, wrapped: Buffer, body: Body): Buffer {
  if (!Buffer.isBuffer(secret)) throw new Refusal("InvalidKeyUsageException");
  const [name, nonce, tag] = [
    wrapped.subarray(0, 32),
    wrapped.subarray(32, 44),
    wrapped.subarray(44, 60),
  ];
  if (tag.length < 16) throw new Refusal("InvalidCiphertextException");
  if (!name.equals(nameOf(id))) throw new Refusal("IncorrectKeyException");
  try {
    const decipher = createDecipheriv("aes-256-gcm", secret, nonce).setAAD(context(body));
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(wrapped.subarray(60)), decipher.final()]);
  } catch {
    throw new Refusal("InvalidCiphertextException");
  }
}

function nameOf(id: string): Buffer {
  return createHash("sha256").update(id).digest();
}

/** The order of its members does not matter. */
function context({ EncryptionContext: members = {} }: Body): Buffer {
  const sorted = Object.entries(members as object).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(sorted));
}

function signature(signer: Key, body: Body): Buffer {
  const digest = Buffer.from(String(body["Message"]), "base64");
  const { MessageType: type, SigningAlgorithm: algorithm } = body;
  if (type !== "DIGEST" || algorithm !== "RSASSA_PSS_SHA_256" || digest.length !== 32) {
    throw new Refusal("ValidationException");
  }
  const key = { key: signingKey(signer), padding: constants.RSA_NO_PADDING };
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
