/**
 * A mirror that devices poll instead of the service: it serves whatever it is given, at the names of
 * device files, and remembers what it was asked for. It signs nothing and knows no key, so all that it
 * can do is what anybody between service and device can do.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Documents by the name at which devices ask for them. */
export type Files = ReadonlyMap<string, Uint8Array>;

export interface Mirror {
  readonly url: string;
  /** From now on these files, and no others. */
  serve(files: Files): void;
  /** Whether a file was asked for since the last `serve`. */
  wasAsked(file: string): boolean;
  close(): Promise<void>;
}

export async function startMirror(): Promise<Mirror> {
  const asked = new Set<string>();
  let served: Files = new Map();
  const server = createServer((request, response) => {
    const file = request.url?.slice(1) ?? "";
    asked.add(file);
    const bytes = served.get(file);
    response.writeHead(bytes === undefined ? 404 : 200, { "Content-Type": "application/json" });
    response.end(bytes ?? "{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    serve: (files) => {
      served = files;
      asked.clear();
    },
    wasAsked: (file) => asked.has(file),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
