/**
 * Routes of devices: metadata of live Factories, at the names that TUF clients ask for. Versioned files are
 * immutable once no other bootstrap can replace them; unversioned ones may be kept at an edge for 5 seconds
 * in the tuf dialect and not at all in ats; a root that does not exist yet is never cached (measured with
 * tuf-js: a cached 404 beside an online key rotation fails a third of polls).
 */
import type { Hono } from "hono";
import { readMetadata } from "../api/devices.ts";
import { PARTS } from "../api/path.ts";
import { RootwardError } from "../error.ts";
import { findForDevice } from "../service/read.ts";
import type { Needs, Reads } from "../service/service.ts";
import { readDocument } from "../service/store.ts";
import { ALL_CHANNELS, type Role } from "../tuf/dialect.ts";
import { bytesAnswer } from "./bytes-answer.ts";
import { factoryParam, servePublic } from "./ask.ts";

export function deviceRoutes(app: Hono, service: Needs<Reads>): void {
  servePublic(app, readMetadata, async (ask) => {
    const { c } = ask;
    const file = PARTS.file.form.exec(ask.part("file"));
    const channel = ALL_CHANNELS.find((name) => name === ask.part("channel"));
    if (file === null || channel === undefined) {
      throw new RootwardError("not-found", "no such metadata file");
    }
    const role = (file[2] ?? "timestamp") as Role;
    const version = file[1] === undefined ? null : Number(file[1]);
    const { address, final } = await findForDevice(
      service,
      factoryParam(c),
      channel,
      role,
      version,
    );
    const fresh = channel === "main" ? "public, max-age=0, s-maxage=5" : "no-store";
    const headers = {
      ETag: `"${address.sha256}"`,
      "Cache-Control": version === null || !final ? fresh : "public, max-age=31536000, immutable",
    };
    // Before the document is read: what a device has already costs one read of the head.
    if (hasAlready(ask.header("If-None-Match"), headers.ETag)) return c.body(null, 304, headers);
    const bytes = await readDocument(service, address);
    return bytesAnswer(c, bytes, { ...headers, "Content-Type": "application/json" });
  });
}

/** RFC 9110 13.1.2: whether one of the entity tags is ours; weak ones count. */
function hasAlready(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}
