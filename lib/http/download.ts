/**
 * Routes of the one-time delivery. A GET never consumes anything: a link scanner that opens the page
 * gets the page. The page loads nothing from anywhere else, and its policy lets it.
 */
import {
  claimDelivery,
  confirmDelivery,
  downloadPage,
  downloadScript,
  downloadStyle,
  readArchive,
} from "../api/delivery.ts";
import { RootwardError } from "../error.ts";
import { claim, confirm } from "../service/delivery/deliver.ts";
import type { Changes, Needs } from "../service/service.ts";
import { isSha256 } from "../tuf/bytes.ts";
import { bytesAnswer } from "./bytes-answer.ts";
import { readJson } from "./request.ts";
import type { RouteGroup } from "./routes.ts";
import { servePublic, type PublicOperation } from "./ask.ts";

export interface Page {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

/** @param connect whom the page's script may ask */
const policy = (connect: string): string =>
  `default-src 'none'; script-src 'self'; style-src 'self'; connect-src ${connect}; img-src data:; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

const PAGE_HEADERS = {
  // The secret is in the address: no other window holds this one, and nothing is told where it was.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Permissions-Policy":
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  "Cache-Control": "no-store",
};

/** @param archiveOrigin where presigned URLs lead, if it is not here */
export function downloadRoutes(
  page: Page,
  archiveOrigin?: string,
): RouteGroup<Needs<"archives" | "claims" | "linksFrom" | "shares" | "wrapper" | Changes>> {
  const connect = archiveOrigin === undefined ? "'self'" : `'self' ${archiveOrigin}`;
  const headers = { ...PAGE_HEADERS, "Content-Security-Policy": policy(connect) };
  return (app, service) => {
    const asset = (
      operation: PublicOperation & { readonly answer: { readonly media: string } },
      text: string,
    ): void => {
      const bytes = new TextEncoder().encode(text);
      const type = `${operation.answer.media}; charset=utf-8`;
      servePublic(app, operation, ({ c }) =>
        bytesAnswer(c, bytes, { ...headers, "Content-Type": type }),
      );
    };
    asset(downloadPage, page.html);
    asset(downloadScript, page.script);
    asset(downloadStyle, page.style);

    servePublic(app, claimDelivery, async (ask) => {
      const { value } = await readJson(ask);
      return ask.answer(200, await claim(service, value));
    });
    servePublic(app, confirmDelivery, async (ask) => {
      const { value } = await readJson(ask);
      const { sha256 } = value;
      if (!isSha256(sha256)) throw new RootwardError("malformed", "sha256: expected 64 hex digits");
      return ask.answer(200, await confirm(service, { ...value, sha256 }));
    });
  };
}

/** The reader of archives by the embedded form's presigned URLs. */
export interface ArchiveOpener {
  open(idHash: string, until: string, mac: string, now: number): Promise<Uint8Array | null>;
}

/** The embedded form serves sealed archives itself; on AWS the presigned URL leads to S3. */
export function archiveRoute(archives: ArchiveOpener): RouteGroup<Needs<"now">> {
  return (app, service) => {
    servePublic(app, readArchive, async (ask) => {
      const [until = "", mac = ""] = [ask.query("until"), ask.query("mac")];
      const object = await archives.open(ask.part("delivery"), until, mac, service.now());
      if (object === null) {
        throw new RootwardError("forbidden", "this URL is wrong or has ended: claim again");
      }
      return bytesAnswer(ask.c, object, { "Content-Type": readArchive.answer.media });
    });
  };
}
