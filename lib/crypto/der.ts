/**
 * node-forge's ASN.1, in bytes. It keeps bytes as strings of characters up to 255, and its types do
 * not know of all that its reader can be told.
 */
import forge from "node-forge";

export type Asn1 = forge.asn1.Asn1;

/**
 * Bit strings stay bytes: otherwise one that happens to look like ASN.1 would be read as such.
 *
 * @param der one element and nothing behind it; BER is read too
 * @throws Error of any kind; its message is for nobody
 */
export function parseDer(der: Uint8Array): Asn1 {
  const options = { strict: true, parseAllBytes: true, decodeBitStrings: false };
  return forge.asn1.fromDer(toBinary(der), options as unknown as boolean);
}

export function writeDer(element: Asn1): Uint8Array<ArrayBuffer> {
  return fromBinary(forge.asn1.toDer(element).getBytes());
}

/** Bytes as node-forge wants them. */
export function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

export function fromBinary(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}
