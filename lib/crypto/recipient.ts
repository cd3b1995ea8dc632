/**
 * The owner's certificate, to which an archive is encrypted. It is read strictly and whole: what is
 * taken must open for every tool that holds its private key, because the service destroys its copy.
 *
 * No chain is verified and no revocation is looked up: the provisioner says which certificate is the
 * owner's. It is told by its fingerprint everywhere instead, for the owner to compare.
 */
import { X509Certificate } from "node:crypto";
import forge from "node-forge";
import { RootwardError } from "../error.ts";
import { equalBytes, fromBase64, sha256, type Sha256 } from "../tuf/bytes.ts";
import { formatTime } from "../tuf/expires.ts";
import { holdsPrivateKey } from "../tuf/private-key.ts";
import { fromSpki, KeyMaterialError } from "../tuf/spki.ts";
import { certificateFields, type CertificateFields } from "./certificate-fields.ts";

const MAX_PEM_CHARACTERS = 16_384;
const MAX_SUBJECT_CHARACTERS = 200;
const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const DAY_MS = 86_400_000;
/**
 * A certificate must last longer than the link to what is encrypted to it (7 days), and a day more to
 * open that: cards and their keys are replaced when their certificate expires, and then the only copy
 * of a root key would open for nobody.
 */
const MIN_LEFT_DAYS = 8;

/** A certificate to which an archive may be encrypted. */
export interface RecipientCertificate {
  /** DER. */
  readonly certificate: Uint8Array;
  /** SHA-256 of `certificate`, as `openssl x509 -fingerprint -sha256` tells it. */
  readonly fingerprint: Sha256;
  /** For people: one line of printable characters, perhaps cut off or empty. Nothing is decided by it. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/**
 * Reads a certificate with an RSA key of 2048 to 8192 bits and the exponent 65537.
 *
 * @param pem one PEM block CERTIFICATE; text around it, as `openssl x509 -text` writes, is left out
 * @param now milliseconds since 1970
 * @throws RootwardError `malformed`, saying what was expected; the message repeats nothing of the text
 */
export function readRecipientCertificate(pem: string, now: number): RecipientCertificate {
  const der = certificateDer(pem);
  const { certificate, fields } = parse(der);
  assertKey(certificate, fields);
  assertTimes(fields, now);
  if (fields.keyEncipherment === false) {
    throw refused("expected a key usage with keyEncipherment, got one without");
  }
  return {
    certificate: der,
    fingerprint: sha256(der),
    subject: printable(certificate.subject),
    notAfter: fields.validTo,
  };
}

function certificateDer(pem: string): Uint8Array {
  if (pem.length > MAX_PEM_CHARACTERS) {
    throw refused(`expected at most ${MAX_PEM_CHARACTERS} characters, got ${pem.length}`);
  }
  if (holdsPrivateKey(pem)) {
    throw refused(
      "expected a certificate, which is public, got a private key: it was not kept, but anybody who saw " +
        "it on the way may have it, so replace it",
    );
  }
  const blocks = pem.split("-----BEGIN ").length - 1;
  if (blocks > 1) throw refused(`expected the owner's own and no chain, got ${blocks} PEM blocks`);
  const body = /-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(
    pem,
  );
  const der = fromBase64((body?.[1] ?? "").replaceAll(/\s/g, ""));
  if (der === null || der.length === 0) throw refused("expected one PEM block CERTIFICATE");
  return der;
}

/** Both parsers must take it, and see the same serial number: CMS names the recipient by it. */
function parse(der: Uint8Array): { certificate: X509Certificate; fields: CertificateFields } {
  try {
    const certificate = new X509Certificate(der);
    const fields = certificateFields(der);
    const serial = BigInt(`0x${certificate.serialNumber.replace("-", "")}`);
    const signed = certificate.serialNumber.startsWith("-") ? -serial : serial;
    if (equalBytes(certificate.raw, der) && signed === fields.serialNumber) {
      return { certificate, fields };
    }
  } catch {
    // Falls through: what the libraries say of odd bytes helps nobody.
  }
  throw refused("expected an X.509 certificate in DER and nothing behind it");
}

/** RSASSA-PSS keys only sign, and cards and tools that open RSAES-OAEP are few. */
function assertKey(certificate: X509Certificate, fields: CertificateFields): void {
  const { keyAlgorithm, spki } = fields;
  if (keyAlgorithm !== RSA_ENCRYPTION) {
    const name: unknown = forge.pki.oids[keyAlgorithm];
    const got = typeof name === "string" ? name : keyAlgorithm;
    throw refused(`expected an RSA key (rsaEncryption), got ${got.slice(0, 50)}`);
  }
  try {
    fromSpki(spki);
  } catch (error) {
    if (!(error instanceof KeyMaterialError)) throw error;
    throw refused(error.message);
  }
  if (!equalBytes(publicKeyOf(certificate), spki)) throw refused("its key is not readable");
}

function publicKeyOf(certificate: X509Certificate): Uint8Array {
  try {
    return certificate.publicKey.export({ type: "spki", format: "der" });
  } catch {
    return new Uint8Array();
  }
}

function assertTimes({ validFrom: from, validTo: to }: CertificateFields, now: number): void {
  if (from > now) throw refused(`not valid before ${formatTime(from)}`);
  if (to <= now) throw refused(`expired at ${formatTime(to)}`);
  if (to < now + MIN_LEFT_DAYS * DAY_MS) {
    throw refused(
      `expected to be valid for ${MIN_LEFT_DAYS} more days, the lifetime of a link and a day; ` +
        `expires at ${formatTime(to)}`,
    );
  }
}

/** Node writes a name's parts on lines of their own, and may have none. */
function printable(subject: string | undefined): string {
  const line = (subject ?? "").replaceAll("\n", ", ");
  const safe = line.replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, "?");
  return safe.slice(0, MAX_SUBJECT_CHARACTERS).toWellFormed();
}

function refused(reason: string): RootwardError {
  return new RootwardError("malformed", `certificate: ${reason}`);
}
