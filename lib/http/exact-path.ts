/**
 * Paths are exact. What the URL parser would resolve (`/x/%2e%2e/healthz`) or read as a query could mean
 * one path to a proxy that filters and another here, so it is no path of ours.
 */

/** @param raw the path as it was sent, without the query; @returns `url`, or one that nothing answers */
export function exactUrl(raw: string, url: URL): URL {
  return raw === url.pathname ? url : new URL("/not-exact", url);
}
