/** Where owners reach the service. Links start with it, so it decides what a link can leak. */
import { RootwardError } from "../../error.ts";

const LOOPBACK = ["127.0.0.1", "::1", "localhost"];

/**
 * Browsers have no WebCrypto on plain http beyond loopback, and a link must not travel openly.
 *
 * @returns scheme and host, without a final slash; undefined where it is the address listened on
 * @throws RootwardError `usage`
 */
export function checkPublicUrl(options: {
  readonly host: string;
  readonly publicUrl: string | undefined;
}): string | undefined {
  const { host } = options;
  const url = options.publicUrl?.replace(/\/+$/, "");
  if (url !== undefined && !/^https?:\/\/[^\s/?#]+$/.test(url)) {
    throw new RootwardError("usage", "--public-url: expected https://HOST, without a path");
  }
  if (!LOOPBACK.includes(host) && url?.startsWith("https://") !== true) {
    throw new RootwardError(
      "usage",
      `--host ${host} is reachable from elsewhere: give --public-url https://... of the proxy ` +
        `that terminates TLS before it`,
    );
  }
  return url;
}
