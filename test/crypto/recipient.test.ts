/** Only a certificate that will open for its owner is taken; every other text says what is wrong with it. */
import { generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import forge from "node-forge";
import { parseDer, type Asn1 } from "../../lib/crypto/der.ts";
import { readRecipientCertificate } from "../../lib/crypto/recipient.ts";
import { sealToRecipient } from "../../lib/crypto/envelope.ts";
import { isRootwardError } from "../../lib/error.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { distinguishedName, makeCertificate, rsaKey, toPem } from "../support/certificate.ts";
import { withPart, type CertificateOptions } from "../support/certificate.ts";
import { generator } from "../support/generator.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-06-01T00:00:00Z");
const KEY = rsaKey(2048);
const VALID = { notBefore: NOW - DAY_MS, notAfter: NOW + 365 * DAY_MS };
const GOOD = makeCertificate(KEY, VALID);
const { PRINTABLESTRING, BMPSTRING, UTF8 } = forge.asn1.Type;

function certificate(options: CertificateOptions): string {
  return makeCertificate(KEY, { ...VALID, ...options }).pem;
}

/** GOOD with another SubjectPublicKeyInfo. */
function keyed(spki: Uint8Array): string {
  return toPem(withPart(GOOD.der, "spki", parseDer(spki)));
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

/** The key of GOOD under another algorithm, which has 9 bytes as rsaEncryption has. */
function rsaUnder(oid: string): Uint8Array {
  const hex = forge.util.createBuffer(forge.asn1.oidToDer(oid).getBytes()).toHex();
  const spki = new X509Certificate(GOOD.der).publicKey.export({ type: "spki", format: "der" });
  return Buffer.from(spki.toString("hex").replace("2a864886f70d010101", hex), "hex");
}

/** One element of any tag, its content as it is. */
function element(tag: number, content: string): Asn1 {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, tag, false, content);
}

/** The message of the refusal; fails unless it is one. */
function refusal(text: string, now = NOW): string {
  try {
    readRecipientCertificate(text, now);
  } catch (error) {
    if (isRootwardError(error) && error.code === "malformed") return error.message;
    throw error;
  }
  throw new Error("was taken");
}

function utc(time: string): string {
  return `\x17\x0d${time}`;
}

describe("takes", () => {
  test.each([
    ["until 2049 in two digits", utc("491231235959Z"), Date.UTC(2049, 11, 31, 23, 59, 59)],
    ["in four digits", "\x18\x0f20510228000000Z", Date.UTC(2051, 1, 28)],
  ])("times %s", (_, to, expected) => {
    const validity = element(0x30, utc("500101000000Z") + to);
    const pem = toPem(withPart(GOOD.der, "validity", validity));
    expect(readRecipientCertificate(pem, NOW).notAfter).toBe(expected);
  });

  test("a certificate, and tells of it", () => {
    expect(readRecipientCertificate(GOOD.pem, NOW)).toEqual({
      certificate: GOOD.der,
      fingerprint: sha256(GOOD.der),
      subject: "CN=An owner",
      notAfter: VALID.notAfter,
    });
    const fingerprint = new X509Certificate(GOOD.der).fingerprint256.replaceAll(":", "");
    expect(sha256(GOOD.der)).toBe(fingerprint.toLowerCase());
  });

  const rows: readonly (readonly [string, string])[] = [
    ["4096 bits", makeCertificate(rsaKey(4096), VALID).pem],
    ["keyEncipherment", certificate({ keyUsage: ["digitalSignature", "keyEncipherment"] })],
    ["no keyUsage among extensions", certificate({ keyUsage: ["keyEncipherment"] })],
    ["text around it", `Bag Attributes\n  friendlyName: me\n${GOOD.pem}\nthat was it\n`],
    ["lines that end as on Windows", GOOD.pem.replaceAll(/\r?\n/g, "\r\n")],
    ["lines that end as elsewhere", GOOD.pem.replaceAll("\r", "")],
    ["version 1", toPem(withPart(GOOD.der, "version", null))],
    ["a negative serial number", certificate({ serial: "ff01" })],
    ["serial number 0", certificate({ serial: "00" })],
    ["a serial number of 600 bytes", certificate({ serial: "7f".repeat(600) })],
    ["an empty subject", toPem(withPart(GOOD.der, "subject", distinguishedName([])))],
    ["eight days left", certificate({ notAfter: NOW + 8 * DAY_MS })],
  ];
  test.each(rows)("%s", (_, text) => {
    const taken = readRecipientCertificate(text, NOW);
    expect(new X509Certificate(taken.certificate).raw).toEqual(Buffer.from(taken.certificate));
  });

  test("a subject of any characters, and shows it on one line, printable and bounded", () => {
    const name = distinguishedName([
      [["2.5.4.3", UTF8, forge.util.encodeUtf8("J\u00f6rg \u001b[2J\n\u202e\u{1f511}")]],
      [["2.5.4.10", PRINTABLESTRING, "x".repeat(5000)]],
    ]);
    const { subject } = readRecipientCertificate(toPem(withPart(GOOD.der, "subject", name)), NOW);
    expect(subject).toMatch(/^CN=J\u00f6rg [\p{L}\p{N}\p{P}\p{S} ]+$/u);
    expect(subject).toHaveLength(200);
  });
});

describe("refuses", () => {
  const { privateKey } = GOOD;
  const pkcs8 = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const pkcs1 = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 });
  const one = "expected one PEM block CERTIFICATE";
  const x509 = "expected an X.509 certificate in DER and nothing behind it";
  const left =
    "expected to be valid for 8 more days, the lifetime of a link and a day; expires at ";
  const behind = Buffer.concat([GOOD.der, Buffer.from([0])]);
  const rows: readonly (readonly [string, string, string])[] = [
    ["nothing", "", one],
    ["words", "hello", one],
    ["a chain", GOOD.pem + GOOD.pem, "expected the owner's own and no chain, got 2 PEM blocks"],
    ["a request", toPem(GOOD.der, "CERTIFICATE REQUEST"), one],
    ["a trusted certificate", toPem(GOOD.der, "TRUSTED CERTIFICATE"), one],
    ["a public key", toPem(spkiOf(ec.publicKey), "PUBLIC KEY"), one],
    ["base64 that is none", GOOD.pem.replace("MII", "MI"), one],
    ["a block without content", toPem(new Uint8Array()), one],
    ["too much", GOOD.pem.padEnd(16_385), "expected at most 16384 characters, got 16385"],
    ["other DER", toPem(spkiOf(ec.publicKey)), x509],
    ["PEM in PEM", toPem(Buffer.from(GOOD.pem)), x509],
    ["bytes behind it", toPem(behind), x509],
    ["no issuer", toPem(withPart(GOOD.der, "issuer", distinguishedName([]))), x509],
    ["EC", keyed(spkiOf(ec.publicKey)), "expected an RSA key (rsaEncryption), got "],
    [
      "Ed25519",
      keyed(spkiOf(generateKeyPairSync("ed25519").publicKey)),
      "expected an RSA key (rsaEncryption), got ",
    ],
    ["RSASSA-PSS only", keyed(spkiOf(pss.publicKey)), "(rsaEncryption), got RSASSA-PSS"],
    ["RSAES-OAEP only", keyed(rsaUnder("1.2.840.113549.1.1.7")), "got RSAES-OAEP"],
    ["1024 bits", makeCertificate(rsaKey(1024), VALID).pem, "2048 to 8192 bits, got 1024"],
    ["2047 bits", makeCertificate(rsaKey(2047), VALID).pem, "2048 to 8192 bits, got 2047"],
    ["exponent 3", makeCertificate(rsaKey(2048, 3), VALID).pem, "expected the RSA exponent 65537"],
    [
      "not yet valid",
      certificate({ notBefore: NOW + 1000 }),
      "not valid before 2026-06-01T00:00:01Z",
    ],
    ["expired", certificate({ notAfter: NOW - 1000 }), "expired at 2026-05-31T23:59:59Z"],
    ["expires now", certificate({ notAfter: NOW }), "expired at 2026-06-01T00:00:00Z"],
    ["a day left", certificate({ notAfter: NOW + DAY_MS }), `${left}2026-06-02T00:00:00Z`],
    ["not quite 8 days left", certificate({ notAfter: NOW + 8 * DAY_MS - 1000 }), left],
    [
      "a key that only signs",
      certificate({ keyUsage: ["digitalSignature", "keyCertSign"] }),
      "expected a key usage with keyEncipherment, got one without",
    ],
  ];
  test.each(rows)("%s", (_, text, expected) => {
    expect(refusal(text)).toContain(`certificate: `);
    expect(refusal(text)).toContain(expected);
  });

  test.each([
    ["PKCS#8", pkcs8],
    ["PKCS#1", pkcs1],
    ["after the certificate", GOOD.pem + pkcs8],
    ["half of one", pkcs1.slice(0, 200)],
  ])("a private key: %s, and repeats nothing of it", (_, text) => {
    const message = refusal(text);
    expect(message).toContain("expected a certificate, which is public, got a private key");
    expect(message).not.toMatch(/[A-Za-z0-9+/]{20}/);
  });

  // OpenSSL tells nothing of these, and node:crypto a date that is none.
  test.each([
    ["a thirteenth month", utc("261399000000Z"), utc("360101000000Z")],
    ["no digits", "\x17\x00", "\x17\x00"],
    ["30 February", utc("260101000000Z"), utc("360230000000Z")],
    ["a second too many", utc("260101000000Z"), utc("360101000060Z")],
    ["without seconds", utc("260101000000Z"), "\x17\x0b3601010000Z"],
    ["of another zone", utc("260101000000Z"), "\x17\x11360101000000+0100"],
  ])("times that do not exist: %s", (_, from, to) => {
    const validity = element(0x30, from + to);
    expect(refusal(toPem(withPart(GOOD.der, "validity", validity)))).toContain(x509);
  });

  test("DER that is not the one form", () => {
    // A length in more bytes than it needs, where OpenSSL would look away.
    const long = Buffer.concat([Buffer.from([0x30, 0x83, 0]), GOOD.der.subarray(2)]);
    expect(refusal(toPem(long))).toContain(x509);
    // In the issuer: OpenSSL keeps these bytes, and node-forge would write others.
    const value = "\x31\x81\x0b0\x09\x06\x03\x55\x04\x03\x13\x02me";
    const issuer = toPem(withPart(GOOD.der, "issuer", element(0x30, value)));
    expect(new X509Certificate(issuer).issuer).toBe("CN=me");
    expect(refusal(issuer)).toContain(x509);
    const deep = Buffer.alloc(4000, Buffer.from([0x30, 0x80]));
    expect(refusal(toPem(deep))).toContain(x509);
  });

  test("a name in odd characters not, as long as it can be written again", () => {
    const name = distinguishedName([
      [["2.5.4.3", BMPSTRING, "\u4e2d\u6587"]],
      [
        ["2.5.4.3", UTF8, "a"],
        ["2.5.4.5", PRINTABLESTRING, "1"],
      ],
    ]);
    expect(readRecipientCertificate(toPem(withPart(GOOD.der, "issuer", name)), NOW).subject).toBe(
      "CN=An owner",
    );
  });
});

test("of thousands of damaged certificates each is refused in words, or is one for both parsers", () => {
  const random = generator(20_261_123);
  const below = (limit: number): number => Math.floor(random() * limit);
  const counts = { refused: 0, taken: 0 };
  for (let round = 0; round < 4000; round += 1) {
    const bytes = Uint8Array.from(GOOD.der);
    const cut = round % 4 === 3 ? bytes.subarray(0, below(bytes.length)) : bytes;
    for (let flips = below(3); flips >= 0 && cut.length > 0; flips -= 1) {
      const at = below(cut.length);
      cut[at] = (cut[at] ?? 0) ^ (1 << below(8));
    }
    const text = toPem(cut);
    try {
      const taken = readRecipientCertificate(text, NOW);
      expect(new X509Certificate(taken.certificate).raw).toEqual(Buffer.from(cut));
      // Of some, since it takes longer than reading.
      if (counts.taken % 16 === 0) {
        expect(sealToRecipient(Uint8Array.of(1), taken).length).toBeGreaterThan(256);
      }
      counts.taken += 1;
    } catch (error) {
      if (!isRootwardError(error)) throw error;
      expect(error.code).toBe("malformed");
      counts.refused += 1;
    }
  }
  // Names, times, serial number and modulus are an issuer's to choose, and the signature goes unread.
  expect(counts.taken).toBeGreaterThan(500);
  expect(counts.refused).toBeGreaterThan(1500);
});
