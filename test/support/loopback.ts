/** An HTTP server on a free port of 127.0.0.1, for doubles of what is elsewhere in the world. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Loopback {
  readonly endpoint: string;
  stop(): Promise<void>;
}

export function listen(listener: RequestListener): Promise<Loopback> {
  return listenWith(createServer(listener));
}

/** @param server one that does not listen yet */
export async function listenWith(server: Server): Promise<Loopback> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
