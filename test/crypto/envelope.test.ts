/**
 * What is sealed to a certificate opens with its key, here and by OpenSSL, and with no other; damage
 * is never taken for the archive. Needs the `openssl` command for what OpenSSL says; where there is
 * none it says so, and with REQUIRE_OPENSSL=1, as in CI, it fails.
 */
import { execFileSync } from "node:child_process";
import { X509Certificate, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import forge from "node-forge";
import { readArchive, writeArchive } from "../../lib/archive/archive.ts";
import { parseDer, writeDer, type Asn1 } from "../../lib/crypto/der.ts";
import { openEnvelope, sealToRecipient } from "../../lib/crypto/envelope.ts";
import { readRecipientCertificate } from "../../lib/crypto/recipient.ts";
import { isRootwardError } from "../../lib/error.ts";
import { distinguishedName, haveOpenssl, makeCertificate, rsaKey } from "../support/certificate.ts";
import { toPem, withPart, type OwnerCertificate } from "../support/certificate.ts";
import { generator } from "../support/generator.ts";

const present = haveOpenssl();
const withOpenssl = present ? test : test.skip;
if (!present) process.stderr.write("sealing was not tested with OpenSSL: no openssl command\n");

const { PRINTABLESTRING, BMPSTRING, UTF8, T61STRING } = {
  ...forge.asn1.Type,
  T61STRING: 20 as forge.asn1.Type,
};
const OWNER = makeCertificate(rsaKey(2048), { keyUsage: ["keyEncipherment"] });
const LARGE = makeCertificate(rsaKey(4096));
const CONTENT = new TextEncoder().encode("an archive ".repeat(300));
const OTHER =
  "this private key does not open it: it is encrypted to another certificate, or damaged";

const folder = mkdtempSync(join(tmpdir(), "rootward-envelope-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function seal(content: Uint8Array, owner: OwnerCertificate = OWNER): Uint8Array {
  return sealToRecipient(content, readRecipientCertificate(owner.pem, Date.now()));
}

function refusal(der: Uint8Array, key: KeyObject = OWNER.privateKey): string {
  try {
    openEnvelope(der, key);
  } catch (error) {
    if (isRootwardError(error) && error.code === "archive-invalid") return error.message;
    throw error;
  }
  throw new Error("was opened");
}

function inFolder(name: string, bytes: Uint8Array | string): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

function privatePem({ privateKey }: OwnerCertificate): string {
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Opens by the certificate too: OpenSSL then looks for the recipient of its issuer and serial number. */
function opensslOpens(sealed: Uint8Array, owner: OwnerCertificate): Uint8Array {
  const files = {
    sealed: inFolder("sealed.p7m", sealed),
    key: inFolder("key.pem", privatePem(owner)),
    certificate: inFolder("certificate.pem", owner.pem),
  };
  const args = ["cms", "-decrypt", "-binary", "-inform", "DER", "-in", files.sealed];
  args.push("-inkey", files.key, "-recip", files.certificate);
  return execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 26 });
}

/** OWNER under another issuer or serial number. */
function renamed(part: "issuer" | "serial", to: Asn1): OwnerCertificate {
  const der = withPart(OWNER.der, part, to);
  return { der, pem: toPem(der), privateKey: OWNER.privateKey };
}

function serial(hex: string): Asn1 {
  const { Class, Type, create } = forge.asn1;
  return create(Class.UNIVERSAL, Type.INTEGER, false, forge.util.hexToBytes(hex));
}

const OWNERS: readonly (readonly [string, OwnerCertificate])[] = [
  ["an RSA key of 2048 bits", OWNER],
  ["an RSA key of 4096 bits", LARGE],
  ["a certificate of version 1", versionOne()],
  ["a negative serial number", renamed("serial", serial("ff01"))],
  ["a serial number that needs a zero before it", renamed("serial", serial("00ff01"))],
  ["a serial number of 600 bytes", renamed("serial", serial("7f".repeat(600)))],
  [
    "an issuer with several values in one part",
    renamed(
      "issuer",
      distinguishedName([
        [["2.5.4.6", PRINTABLESTRING, "ES"]],
        [
          ["2.5.4.3", UTF8, "AC"],
          ["2.5.4.5", PRINTABLESTRING, "1"],
        ],
      ]),
    ),
  ],
  [
    "an issuer in every kind of text",
    renamed(
      "issuer",
      distinguishedName([
        [["2.5.4.10", UTF8, forge.util.encodeUtf8("\u00c9tat \u{1f511}")]],
        [["2.5.4.11", BMPSTRING, "\u4e2d\u6587"]],
        [["2.5.4.3", T61STRING, "M\u00fcller"]],
        [["1.3.6.1.4.1.99999.1", PRINTABLESTRING, ""]],
      ]),
    ),
  ],
];

function versionOne(): OwnerCertificate {
  const der = withPart(OWNER.der, "version", null);
  return { ...OWNER, der, pem: toPem(der) };
}

describe("opens for", () => {
  test.each(OWNERS)("%s", (_, owner) => {
    expect(openEnvelope(seal(CONTENT, owner), owner.privateKey)).toEqual(CONTENT);
  });

  withOpenssl.each(OWNERS)("%s, by OpenSSL", (_, owner) => {
    expect(new Uint8Array(opensslOpens(seal(CONTENT, owner), owner))).toEqual(CONTENT);
  });

  test.each([0, 1, 15, 16, 17, 70_000])("%i bytes", (length) => {
    const content = new Uint8Array(length).fill(7);
    expect(openEnvelope(seal(content), OWNER.privateKey)).toEqual(content);
  });
});

describe("what is written", () => {
  test("names issuer and serial number byte for byte", () => {
    for (const [, owner] of OWNERS) {
      const sealed = Buffer.from(seal(CONTENT, owner));
      // As they follow each other in CMS; in a certificate the algorithm stands between them.
      const { issuer, serial } = namesIn(owner.der);
      expect(Buffer.from(owner.der).includes(issuer)).toBe(true);
      expect(Buffer.from(owner.der).includes(serial)).toBe(true);
      expect(sealed.includes(Buffer.concat([issuer, serial]))).toBe(true);
    }
  });

  test("is DER, and another each time", () => {
    const [one, two] = [seal(CONTENT), seal(CONTENT)];
    expect(writeDer(parseDer(one))).toEqual(one);
    expect(one).not.toEqual(two);
    expect(Buffer.from(one.subarray(-64))).not.toEqual(Buffer.from(two.subarray(-64)));
  });

  withOpenssl("is AES-256-CBC for one recipient, as OpenSSL prints it", () => {
    const file = inFolder("printed.p7m", seal(CONTENT));
    const args = ["cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", file];
    const printed = execFileSync("openssl", args, { encoding: "utf8" });
    expect(printed).toContain("algorithm: aes-256-cbc (2.16.840.1.101.3.4.1.42)");
    expect(printed.match(/d\.ktri/g)).toHaveLength(1);
    expect(printed.match(/d\.(?:kari|kekri|pwri|ori)/g)).toBeNull();
    expect(printed).toContain("algorithm: rsaEncryption (1.2.840.113549.1.1.1)");
    const { issuer } = new X509Certificate(OWNER.der);
    expect(printed).toContain(`issuer: ${issuer.replaceAll("\n", ", ")}`);
  });

  test("is refused for more than 32 MiB", () => {
    const large = new Uint8Array(32 * 1024 * 1024 + 1);
    expect(() => seal(large)).toThrow("expected at most 33554432 bytes to encrypt, got 33554433");
  });
});

withOpenssl("what OpenSSL sealed opens, in one piece or many", () => {
  const certificate = inFolder("to.pem", OWNER.pem);
  const file = inFolder("content", CONTENT);
  for (const stream of [[], ["-stream"]]) {
    const how = ["cms", "-encrypt", "-binary", "-aes-256-cbc", "-outform", "DER", ...stream];
    const sealed = execFileSync("openssl", [...how, "-in", file, certificate]);
    expect(openEnvelope(sealed, OWNER.privateKey)).toEqual(CONTENT);
  }
  const args = ["cms", "-encrypt", "-binary", "-outform", "DER", "-in", file];
  const padded = ["-aes-256-cbc", "-recip", certificate, "-keyopt", "rsa_padding_mode:oaep"];
  const oaep = execFileSync("openssl", [...args, ...padded]);
  const weak = execFileSync("openssl", [...args, "-aes-128-cbc", certificate]);
  for (const other of [oaep, weak]) expect(refusal(other)).toContain("got another way");
  const two = execFileSync("openssl", [...args, "-aes-256-cbc", certificate, certificate]);
  expect(refusal(two)).toContain("expected one recipient, got 2");
});

describe("refuses", () => {
  const sealed = seal(CONTENT);
  const rows: readonly (readonly [string, Uint8Array])[] = [
    ["nothing", new Uint8Array()],
    ["words", CONTENT],
    ["a certificate", OWNER.der],
    ["half of it", sealed.subarray(0, sealed.length / 2)],
    ["its last byte missing", sealed.subarray(0, -1)],
    ["bytes behind it", Buffer.concat([sealed, Buffer.from([0])])],
    ["another type of CMS", signedDataLike(sealed)],
    ["endless depth", Buffer.alloc(100_000, Buffer.from([0x30, 0x80]))],
  ];
  test.each(rows)("%s", (_, der) => {
    expect(refusal(der)).toContain("expected CMS EnvelopedData in DER");
  });

  test("what is too large to be one", () => {
    expect(refusal(new Uint8Array(33 * 1024 * 1024))).toContain("expected at most 33619968 bytes");
  });

  test("another key, in the same words whatever its size, and whatever is damaged", () => {
    for (let round = 0; round < 3; round += 1)
      expect(refusal(sealed, rsaKey(2048))).toContain(OTHER);
    expect(refusal(sealed, LARGE.privateKey)).toContain(OTHER);
    const damaged = Uint8Array.from(sealed);
    damaged[damaged.length - 17] = (damaged.at(-17) ?? 0) ^ 0x80;
    expect(refusal(damaged)).toContain(OTHER);
  });
});

test("no flipped bit makes another archive of it", async () => {
  const random = generator(42);
  const entries = new Map([
    ["tufrepo/keys/first-root.sec", Uint8Array.from({ length: 900 }, () => random() * 256)],
  ]);
  const sealed = seal(await writeArchive(entries));
  const counts = { refused: 0, notAnArchive: 0, unchanged: 0 };
  let flips = 0;
  for (let bit = 0; bit < sealed.length * 8; bit += 3) {
    flips += 1;
    const flipped = Uint8Array.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    let opened: Uint8Array;
    try {
      opened = openEnvelope(flipped, OWNER.privateKey);
    } catch (error) {
      if (!isRootwardError(error)) throw error;
      expect(error.code).toBe("archive-invalid");
      counts.refused += 1;
      continue;
    }
    const read = await readArchive(opened).catch((error: unknown) => {
      expect(error).toMatchObject({ code: "archive-invalid" });
      return null;
    });
    if (read === null) {
      counts.notAnArchive += 1;
    } else {
      // The recipient's name, which nothing is decided by, and gzip's time and system of the writer.
      expect(read).toEqual(entries);
      counts.unchanged += 1;
    }
  }
  expect(counts.refused + counts.notAnArchive + counts.unchanged).toBe(flips);
  // Keys and serial numbers are random, and so is what few flips change: about 1,000 and 2,800 here.
  expect(counts.refused).toBeGreaterThan(500);
  expect(counts.notAnArchive).toBeGreaterThan(1000);
  expect(counts.unchanged).toBeLessThan(200);
});

/** Issuer and serial number cut out of a certificate without node-forge. */
function namesIn(certificate: Uint8Array): { issuer: Buffer; serial: Buffer } {
  const tbs = inside(inside(certificate));
  const versioned = tbs[0] === 0xa0 ? tbs.subarray(lengthOf(tbs)) : tbs;
  const algorithm = versioned.subarray(lengthOf(versioned));
  const issuer = algorithm.subarray(lengthOf(algorithm));
  return {
    issuer: Buffer.from(issuer.subarray(0, lengthOf(issuer))),
    serial: Buffer.from(versioned.subarray(0, lengthOf(versioned))),
  };
}

function header(der: Uint8Array): { readonly start: number; readonly length: number } {
  const first = der[1] ?? 0;
  if (first < 0x80) return { start: 2, length: first };
  const start = 2 + (first & 0x7f);
  return { start, length: der.subarray(2, start).reduce((sum, byte) => sum * 256 + byte, 0) };
}

function lengthOf(der: Uint8Array): number {
  const { start, length } = header(der);
  return start + length;
}

function inside(der: Uint8Array): Uint8Array {
  return der.subarray(header(der).start, lengthOf(der));
}

/** The same bytes under the type SignedData. */
function signedDataLike(sealed: Uint8Array): Uint8Array {
  const copy = Buffer.from(sealed);
  const type = Buffer.from("2a864886f70d010703", "hex");
  copy[copy.indexOf(type) + type.length - 1] = 2;
  return copy;
}
