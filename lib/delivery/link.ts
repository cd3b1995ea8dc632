/**
 * The link of a one-time delivery: `https://host/download#<T>`. T is 32 random bytes in the
 * *fragment*, which browsers send to nobody: it is in no log of the service and in no Referer, and
 * a scanner that follows the link fetches a harmless page.
 */
import { RootwardError } from "../error.ts";
import { serviceUrl } from "../text/command.ts";
import { concatBytes, fromBase64Url, sha256, toBase64Url } from "../tuf/bytes.ts";

/** The page of the one-time delivery, below the public URL. */
export const DOWNLOAD = "/download";

export const SECRET_BYTES = 32;

/** A delivery id: 64 lower-case hex digits. Its holder may claim; the database has its hash. */
export type DeliveryId = string & { readonly brand: "DeliveryId" };

/** `SHA-256("rootward delivery id" || T)`; says nothing of T, so the service may see it. */
export function deliveryId(secret: Uint8Array): DeliveryId {
  return sha256(
    concatBytes(new TextEncoder().encode("rootward delivery id"), secret),
  ) as string as DeliveryId;
}

/** @param publicUrl the configured public URL, without a final slash; never a request header */
export function makeLink(publicUrl: string, secret: Uint8Array): string {
  return `${publicUrl}${DOWNLOAD}#${toBase64Url(secret)}`;
}

export interface DeliveryLink {
  /** Where the service is: scheme, host and any path before `/download`. */
  readonly publicUrl: string;
  readonly secret: Uint8Array;
}

const LINK = new RegExp(`^(https?://[^\\s#?$\`"'\\\\;&|<>(){}*!]+)${DOWNLOAD}#([A-Za-z0-9_-]+)$`);

/** @throws RootwardError `link-invalid`; the message holds nothing of the link */
export function parseLink(text: string): DeliveryLink {
  // Without what means something to a shell, and in the one form of the URL standard: it comes back in
  // commands that owners are told to run.
  const match = LINK.exec(text.trim());
  const secret = parseSecret(match?.[2] ?? "");
  const publicUrl = serviceUrl(match?.[1] ?? "");
  if (secret === null || publicUrl === null) {
    throw new RootwardError(
      "link-invalid",
      "not a download link: expected https://HOST/download#SECRET, whole and on one line",
    );
  }
  return { publicUrl, secret };
}

/** Whether a text is a link as {@link makeLink} writes it, and as a terminal may show it. */
export function isDownloadLink(text: string): boolean {
  const page = `${DOWNLOAD}#`;
  const at = text.indexOf(page);
  const publicUrl = text.slice(0, Math.max(0, at));
  if (serviceUrl(publicUrl) !== publicUrl) return false;
  return parseSecret(text.slice(at + page.length)) !== null;
}

/** @param text base64url without padding, as in the fragment; null unless it is 32 bytes */
export function parseSecret(text: string): Uint8Array | null {
  const secret = fromBase64Url(text);
  return secret?.length === SECRET_BYTES ? secret : null;
}
