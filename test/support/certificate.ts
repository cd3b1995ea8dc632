/**
 * Certificates made for one test: by node-forge, from keys of node:crypto, and with any part replaced
 * afterwards, as nobody's tool would write it. Signatures then do not fit, and nobody asks for them.
 */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import forge from "node-forge";
import { parseDer, toBinary, writeDer, type Asn1 } from "../../lib/crypto/der.ts";

const { asn1, pki } = forge;
const DAY_MS = 86_400_000;

export interface CertificateOptions {
  /** Milliseconds since 1970; valid from yesterday for a year unless given. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Bytes of the INTEGER in hex. */
  readonly serial?: string;
  /** Names of the bits; no such extension unless given. */
  readonly keyUsage?: readonly string[];
  readonly subject?: string;
}

export interface OwnerCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly privateKey: KeyObject;
}

export function rsaKey(bits: number, exponent = 65_537): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength: bits, publicExponent: exponent }).privateKey;
}

export function makeCertificate(
  privateKey: KeyObject,
  options: CertificateOptions = {},
): OwnerCertificate {
  const key = pki.privateKeyFromPem(privateKey.export({ type: "pkcs1", format: "pem" }).toString());
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = options.serial ?? "1001";
  certificate.validity.notBefore = new Date(options.notBefore ?? Date.now() - DAY_MS);
  certificate.validity.notAfter = new Date(options.notAfter ?? Date.now() + 365 * DAY_MS);
  certificate.setSubject([
    { name: "commonName", value: options.subject ?? "An owner", valueTagClass: UTF8 },
  ]);
  certificate.setIssuer([
    { name: "organizationName", value: "A test" },
    { name: "commonName", value: "An issuer" },
  ]);
  if (options.keyUsage !== undefined) {
    const bits = Object.fromEntries(options.keyUsage.map((name) => [name, true]));
    certificate.setExtensions([{ name: "keyUsage", critical: true, ...bits }]);
  }
  // As its own sign() does, which takes seconds where modules run in a realm of their own.
  const oid = pki.oids["sha256WithRSAEncryption"] ?? "";
  certificate.signatureOid = oid;
  certificate.siginfo.algorithmOid = oid;
  certificate.signature = "";
  const [tbs] = pki.certificateToAsn1(certificate).value as [Asn1];
  certificate.signature = toBinary(sign("sha256", writeDer(tbs), privateKey));
  const der = writeDer(pki.certificateToAsn1(certificate));
  return { der, pem: toPem(der), privateKey };
}

const UTF8 = asn1.Type.UTF8 as unknown as forge.asn1.Class;

/** The places of the parts of a TBSCertificate that has a version. */
const PART = { version: 0, serial: 1, issuer: 3, validity: 4, subject: 5, spki: 6 } as const;

/** The same certificate with another part, or without it. */
export function withPart(
  der: Uint8Array,
  part: keyof typeof PART,
  replacement: Asn1 | null,
): Uint8Array {
  const certificate = parseDer(der);
  const [tbs] = certificate.value as [Asn1];
  const parts = tbs.value as Asn1[];
  parts.splice(PART[part], 1, ...(replacement === null ? [] : [replacement]));
  return writeDer(certificate);
}

/** A Name: one inner list for each part, which may have several values. */
export function distinguishedName(
  parts: readonly (readonly (readonly [oid: string, type: forge.asn1.Type, value: string])[])[],
): Asn1 {
  const { SEQUENCE, SET, OID } = asn1.Type;
  const create = (type: forge.asn1.Type, value: Asn1[] | string): Asn1 =>
    asn1.create(asn1.Class.UNIVERSAL, type, Array.isArray(value), value);
  return create(
    SEQUENCE,
    parts.map((values) =>
      create(
        SET,
        values.map(([oid, type, value]) =>
          create(SEQUENCE, [create(OID, asn1.oidToDer(oid).getBytes()), create(type, value)]),
        ),
      ),
    ),
  );
}

export function toPem(der: Uint8Array, type = "CERTIFICATE"): string {
  return forge.pem.encode({ type, body: toBinary(der) });
}

/** Whether there is an `openssl` command that knows CMS. With REQUIRE_OPENSSL=1 there has to be. */
export function haveOpenssl(): boolean {
  if (process.env["REQUIRE_OPENSSL"] === "1") return true;
  return spawnSync("openssl", ["cms", "-help"]).status === 0;
}
