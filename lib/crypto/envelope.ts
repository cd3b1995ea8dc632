/**
 * An archive that only the owner of a certificate opens: CMS EnvelopedData (RFC 5652 section 6), as
 * every tool and smart card knows it: AES-256-CBC (RFC 3565), its key by RSAES-PKCS1-v1_5 (RFC 3370).
 *
 * node-forge writes and reads the structure and nothing more. Keys, initialisation vectors and paddings
 * come from node:crypto: node-forge's generator is seeded with bytes of node:crypto that it decodes as
 * UTF-8 first, which loses half of them, and holds an AES-128 key.
 *
 * Nothing in this form is authenticated. A sealed archive is protected by its SHA-256, which comes beside
 * it. The opened content counts as an archive only after a check.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import forge from "node-forge";
import { RootwardError } from "../error.ts";
import { certificateFields } from "./certificate-fields.ts";
import { fromBinary, parseDer, toBinary, writeDer, type Asn1 } from "./der.ts";
import { readRecipientCertificate, type RecipientCertificate } from "./recipient.ts";

const { asn1 } = forge;

const ENVELOPED_DATA = "1.2.840.113549.1.7.3";
const DATA = "1.2.840.113549.1.7.1";
const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const AES_256_CBC = "2.16.840.1.101.3.4.1.42";
const KEY_BYTES = 32;
const IV_BYTES = 16;
const PADDING = constants.RSA_PKCS1_PADDING;

/** As much as an archive may hold when opened. */
const MAX_CONTENT_BYTES = 32 * 1024 * 1024;
/** That and the structure around it: a name, an encrypted key, paddings. */
export const MAX_ENVELOPE_BYTES = MAX_CONTENT_BYTES + 65_536;

/**
 * Reads a certificate, and seals to it.
 *
 * @param now milliseconds since 1970
 * @returns the SHA-256 of the certificate (DER), and how to encrypt to it
 * @throws RootwardError `malformed`
 */
export function recipientOf(pem: string, now: number) {
  const recipient = readRecipientCertificate(pem, now);
  return {
    fingerprint: recipient.fingerprint,
    seal: (content: Uint8Array) => sealToRecipient(content, recipient),
  };
}

/**
 * Encrypts to one recipient, which is named by its issuer and serial number, byte for byte as they
 * stand in the certificate.
 *
 * @param content at most 32 MiB
 * @param recipient of readRecipientCertificate: the certificate is not judged again
 * @returns ContentInfo of EnvelopedData, DER; each call gives another
 * @throws RootwardError `too-large`
 */
export function sealToRecipient(content: Uint8Array, recipient: RecipientCertificate): Uint8Array {
  if (content.length > MAX_CONTENT_BYTES) {
    throw new RootwardError(
      "too-large",
      `expected at most ${MAX_CONTENT_BYTES} bytes to encrypt, got ${content.length}`,
    );
  }
  const { issuer, serial, spki } = certificateFields(recipient.certificate);
  const publicKey = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  const key = randomBytes(KEY_BYTES);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  const encrypted = Buffer.concat([cipher.update(content), cipher.final()]);
  const encryptedKey = publicEncrypt({ key: publicKey, padding: PADDING }, key);
  const recipientInfo = sequence(
    version0(),
    sequence(issuer, serial),
    sequence(oid(RSA_ENCRYPTION), universal(asn1.Type.NULL, "")),
    octets(encryptedKey),
  );
  const contentInfo = sequence(
    oid(DATA),
    sequence(oid(AES_256_CBC), octets(iv)),
    // IMPLICIT: in DER the octets stand in the tag itself.
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, false, toBinary(encrypted)),
  );
  const recipients = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [recipientInfo]);
  const enveloped = sequence(version0(), recipients, contentInfo);
  const tagged = asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [enveloped]);
  return writeDer(sequence(oid(ENVELOPED_DATA), tagged));
}

/** The fields of a message that node-forge reads; its types leave half of them out. */
interface Enveloped {
  readonly type: string;
  readonly recipients: readonly [Recipient0, ...unknown[]];
  readonly encryptedContent: {
    readonly algorithm: string;
    readonly parameter: forge.util.ByteStringBuffer;
    readonly content: forge.util.ByteStringBuffer;
  };
}
interface Recipient0 {
  readonly encryptedContent: { readonly algorithm: string; readonly content: string };
}

/** The parts of a message that decrypting needs. */
interface Parts {
  readonly encryptedKey: Uint8Array;
  readonly iv: Uint8Array;
  readonly encrypted: Uint8Array;
}

/**
 * Opens what {@link sealToRecipient} made, or `openssl cms -encrypt -aes-256-cbc -outform DER` for one
 * recipient. The name in it is not compared: who has the key needs no certificate.
 *
 * @param privateKey RSA
 * @returns the content, which anybody may have put there: see above
 * @throws RootwardError `archive-invalid`; of a wrong key and of damaged bytes the message is the same,
 *   since they look the same
 */
export function openEnvelope(der: Uint8Array, privateKey: KeyObject): Uint8Array {
  const { encryptedKey, iv, encrypted } = readParts(der);
  try {
    const key = privateDecrypt({ key: privateKey, padding: PADDING }, encryptedKey);
    const decipher = createDecipheriv("aes-256-cbc", key, iv);
    return new Uint8Array(Buffer.concat([decipher.update(encrypted), decipher.final()]));
  } catch {
    throw invalid(
      "this private key does not open it: it is encrypted to another certificate, or damaged",
    );
  }
}

function readParts(der: Uint8Array): Parts {
  if (der.length > MAX_ENVELOPE_BYTES) {
    throw invalid(`expected at most ${MAX_ENVELOPE_BYTES} bytes, got ${der.length}`);
  }
  const { recipients, encryptedContent } = parse(der);
  const [recipient] = recipients;
  if (recipients.length !== 1) {
    throw invalid(`expected one recipient, got ${recipients.length}`);
  }
  const { algorithm, content } = recipient.encryptedContent;
  if (algorithm !== RSA_ENCRYPTION || encryptedContent.algorithm !== AES_256_CBC) {
    throw invalid("expected AES-256-CBC with a key encrypted by RSAES-PKCS1-v1_5, got another way");
  }
  return {
    encryptedKey: fromBinary(content),
    iv: fromBinary(encryptedContent.parameter.getBytes()),
    encrypted: fromBinary(encryptedContent.content.getBytes()),
  };
}

function parse(der: Uint8Array): Enveloped {
  try {
    const message = forge.pkcs7.messageFromAsn1(parseDer(der));
    const enveloped = message as unknown as Enveloped;
    if (enveloped.type === ENVELOPED_DATA) return enveloped;
  } catch {
    // Falls through: what the library says of odd bytes helps nobody.
  }
  throw invalid("expected CMS EnvelopedData in DER: this is another file, or it is damaged");
}

function sequence(...parts: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
}

function universal(type: forge.asn1.Type, value: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}

function oid(text: string): Asn1 {
  return universal(asn1.Type.OID, asn1.oidToDer(text).getBytes());
}

function octets(bytes: Uint8Array): Asn1 {
  return universal(asn1.Type.OCTETSTRING, toBinary(bytes));
}

/**
 * Versions of EnvelopedData with one recipient named by issuer and serial number, and of that recipient.
 */
function version0(): Asn1 {
  return universal(asn1.Type.INTEGER, "\0");
}

function invalid(reason: string): RootwardError {
  return new RootwardError("archive-invalid", `sealed archive: ${reason}`);
}
