/**
 * One function in a process of its own, as Lambda runs it: its environment, its handler by the name that
 * the template has, and events one by one.
 */
import { pathToFileURL } from "node:url";
import { moveClock } from "./clock.ts";
import "./reroute.ts";

type Handler = (event: unknown, context: object) => Promise<unknown>;
type Message =
  | { readonly number: number; readonly event: unknown }
  | { readonly number: number; readonly clock: number };

const [, , folder = "", entry = ""] = process.argv;
const [file = "", name = ""] = entry.split(".");
const module = (await import(pathToFileURL(`${folder}/${file}.mjs`).href)) as Readonly<
  Record<string, Handler>
>;
const handler = module[name];
if (handler === undefined) throw new Error(`${file}.mjs exports no ${name}`);
const context = { functionName: "test", getRemainingTimeInMillis: () => 60_000 };

async function answer(message: Message): Promise<unknown> {
  if ("event" in message) return handler?.(message.event, context);
  moveClock(message.clock);
  return null;
}

process.on("message", (message: Message) => {
  const { number } = message;
  answer(message).then(
    (result) => process.send?.({ number, result: result ?? null }),
    (error: unknown) => process.send?.({ number, failed: String(error) }),
  );
});
process.send?.({ number: 0, result: null });
