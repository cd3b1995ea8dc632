/**
 * Stands before an AWS endpoint on loopback and loses requests or their answers, as a network does:
 * the connection breaks, before anything was passed on or after it was answered.
 */
import { request as ask } from "node:http";
import { buffer } from "node:stream/consumers";
import { listen, type Loopback } from "./loopback.ts";

export type Loss = "not applied" | "applied, answer lost";

export interface Losing extends Loopback {
  /** Each request, in order: a DynamoDB operation with the first part of its sort key, or a path. */
  readonly asked: string[];
  /** What becomes of the next requests that are so named, in order; nothing to those after them. */
  lose(name: string, ...losses: readonly (Loss | null)[]): void;
}

/** @param between called before the request that comes after a loss, if given */
export async function losing(
  endpoint: string,
  between: () => Promise<void> = async () => undefined,
): Promise<Losing> {
  const asked: string[] = [];
  const planned = new Map<string, (Loss | null)[]>();
  let lost = false;
  const loopback = await listen((request, response) => {
    void (async () => {
      const body = await buffer(request);
      const name = nameOf(request.headers["x-amz-target"], request.url ?? "/", body);
      asked.push(name);
      if (lost) {
        lost = false;
        await between();
      }
      const loss = planned.get(name)?.shift() ?? null;
      if (loss !== null) lost = true;
      if (loss === "not applied") {
        request.socket.destroy();
        return;
      }
      const { method, headers } = request;
      const passed = ask(new URL(request.url ?? "/", endpoint), {
        method: method ?? "GET",
        headers,
      });
      passed.end(body).on("response", (answer) => {
        if (loss !== null) {
          answer.resume().on("end", () => request.socket.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
    })();
  });
  const lose: Losing["lose"] = (name, ...losses) => void planned.set(name, [...losses]);
  return { ...loopback, asked, lose };
}

interface Keyed {
  readonly sk?: { readonly S: string };
}

function nameOf(target: string | string[] | undefined, path: string, body: Buffer): string {
  if (target === undefined) return path;
  const { Item, Key } = JSON.parse(body.toString()) as { Item?: Keyed; Key?: Keyed };
  const [kind = ""] = (Item ?? Key)?.sk?.S.split("#") ?? [];
  return `${String(target).split(".")[1]} ${kind}`.trim();
}
