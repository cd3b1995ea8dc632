/**
 * The fields of an X.509 certificate that CMS needs and node:crypto does not give. They are the issuer and
 * the serial number, byte for byte, since a recipient is found by these bytes, and the key usage.
 *
 * The certificate is parsed, written again and compared: where that gives the same bytes, so does
 * writing any part of it. node-forge's own reader of certificates is not used: it flattens names whose
 * parts have several values, and would name another issuer.
 */
import forge from "node-forge";
import { equalBytes } from "../tuf/bytes.ts";
import { fromBinary, parseDer, writeDer, type Asn1 } from "./der.ts";

const { asn1 } = forge;

/** Their tag [3] in a certificate. */
const EXTENSIONS = 3 as forge.asn1.Type;
const KEY_USAGE = "2.5.29.15";
/** Bit 2 of KeyUsage (RFC 5280 section 4.2.1.3), counted from the left. */
const KEY_ENCIPHERMENT = 0x20;

export interface CertificateFields {
  /** Name, to be written into CMS as it is. */
  readonly issuer: Asn1;
  /** INTEGER, likewise. */
  readonly serial: Asn1;
  /** The number, which may be negative. */
  readonly serialNumber: bigint;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly validTo: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** The key's algorithm: an object identifier, such as `1.2.840.113549.1.1.1`. */
  readonly keyAlgorithm: string;
  /** Null: the certificate does not say what its key is for. */
  readonly keyEncipherment: boolean | null;
}

/**
 * @param der one certificate and nothing behind it
 * @throws Error of any kind, for anything else and for what is not DER; its message is for nobody
 */
export function certificateFields(der: Uint8Array): CertificateFields {
  const certificate = parseDer(der);
  if (!equalBytes(writeDer(certificate), der)) throw new Error("not DER");
  const [tbs] = children(certificate, asn1.Type.SEQUENCE);
  const fields = children(tbs, asn1.Type.SEQUENCE);
  // The version [0] is left out of version 1.
  const versioned = fields[0]?.tagClass === asn1.Class.CONTEXT_SPECIFIC;
  const [serial, , issuer, validity, , spki, ...optional] = versioned ? fields.slice(1) : fields;
  const [from, to] = children(validity, asn1.Type.SEQUENCE);
  const [algorithm] = children(spki, asn1.Type.SEQUENCE);
  const [oid] = children(algorithm, asn1.Type.SEQUENCE);
  // An empty issuer would be one; X.509 asks for a name, and CMS finds nothing by none.
  if (issuer === undefined || children(issuer, asn1.Type.SEQUENCE).length === 0) {
    throw new Error("no issuer");
  }
  if (serial === undefined || spki === undefined) throw new Error("no certificate");
  return {
    issuer,
    serial,
    serialNumber: twosComplement(primitive(serial, asn1.Type.INTEGER)),
    validFrom: time(from),
    validTo: time(to),
    spki: writeDer(spki),
    keyAlgorithm: asn1.derToOid(primitive(oid, asn1.Type.OID)),
    keyEncipherment: keyEncipherment(optional),
  };
}

/**
 * RFC 5280 section 4.1.2.5: to the second, in UTC. Not asked of node:crypto, whose dates for times that
 * do not exist are whatever was in memory (seen with 24.21).
 */
function time(node: Asn1 | undefined): number {
  const short = is(node, asn1.Type.UTCTIME);
  const text = primitive(node, short ? asn1.Type.UTCTIME : asn1.Type.GENERALIZEDTIME);
  const full = short ? `${text < "50" ? "20" : "19"}${text}` : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full)?.slice(1);
  const [year, month, day, hour, minute, second] = parts ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = Date.parse(iso);
  if (Number.isFinite(at) && new Date(at).toISOString() === iso) return at;
  throw new Error("no time");
}

function keyEncipherment(optional: readonly Asn1[]): boolean | null {
  const tagged = optional.find(({ tagClass, type }) => {
    return tagClass === asn1.Class.CONTEXT_SPECIFIC && type === EXTENSIONS;
  });
  if (tagged === undefined) return null;
  const extensions = children((tagged.value as Asn1[])[0], asn1.Type.SEQUENCE);
  const usages = extensions.flatMap((extension) => {
    const parts = children(extension, asn1.Type.SEQUENCE);
    if (asn1.derToOid(primitive(parts[0], asn1.Type.OID)) !== KEY_USAGE) return [];
    const value = parseDer(fromBinary(primitive(parts.at(-1), asn1.Type.OCTETSTRING)));
    const bits = primitive(value, asn1.Type.BITSTRING);
    // The first byte says how many bits of the last are unused.
    return [(bits.charCodeAt(1) & KEY_ENCIPHERMENT) !== 0];
  });
  return usages.length === 0 ? null : usages.every(Boolean);
}

function children(node: Asn1 | undefined, type: forge.asn1.Type): readonly Asn1[] {
  if (!is(node, type) || !Array.isArray(node.value)) throw new Error("unexpected ASN.1");
  return node.value;
}

function primitive(node: Asn1 | undefined, type: forge.asn1.Type): string {
  if (!is(node, type) || typeof node.value !== "string") throw new Error("unexpected ASN.1");
  return node.value;
}

function is(node: Asn1 | undefined, type: forge.asn1.Type): node is Asn1 {
  return node?.tagClass === asn1.Class.UNIVERSAL && node.type === type;
}

function twosComplement(bytes: string): bigint {
  const hex = Buffer.from(bytes, "latin1").toString("hex");
  return hex === "" ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}
