/**
 * Emulators behind a guard that asks the template's policies about each call first. Who calls is in the
 * session token: the emulators do not look at it, and the SDK signs it.
 */
import { request as send, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { FUNCTIONS } from "../../../lib/settings.ts";
import { listen, type Loopback } from "../loopback.ts";
import type { Asked } from "./policy.ts";

/** What a call is, in terms of policies; one call may need several rights. */
export type Reader = (request: IncomingMessage, body: Buffer) => readonly Omit<Asked, "by">[];

/** @param target of the emulator; a call that is not allowed never reaches it */
export function guarded(
  target: string,
  read: Reader,
  isAllowed: (asked: Asked) => boolean,
  refused: string[],
): Promise<Loopback> {
  return listen((request, response) => {
    void (async () => {
      const body = await buffer(request);
      const query = new URL(request.url ?? "/", target).searchParams;
      const token = request.headers["x-amz-security-token"] ?? query.get("X-Amz-Security-Token");
      const by = FUNCTIONS.find((name) => name === token);
      const wrong = read(request, body).find(
        (asked) => by === undefined || !isAllowed({ by, ...asked }),
      );
      if (wrong !== undefined) {
        refused.push(`${by}: ${wrong.action} on ${wrong.resource}`);
        response.writeHead(400, { "Content-Type": "application/x-amz-json-1.0" });
        response.end(JSON.stringify({ __type: "AccessDeniedException", message: "denied" }));
        return;
      }
      const { method, headers, url } = request;
      const forwarded = send(new URL(url ?? "/", target), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      forwarded.on("error", () => response.destroy());
      forwarded.end(body);
    })();
  });
}
