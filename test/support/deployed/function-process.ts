/** One function in a process of its own, as Lambda runs it: its environment, and events one by one. */
import { pathToFileURL } from "node:url";

const [, , file = ""] = process.argv;
const { handler } = (await import(pathToFileURL(file).href)) as {
  readonly handler: (event: unknown, context: object) => Promise<unknown>;
};
const context = { functionName: "test", getRemainingTimeInMillis: () => 60_000 };

process.on("message", ({ number, event }: { number: number; event: unknown }) => {
  handler(event, context).then(
    (result) => process.send?.({ number, result: result ?? null }),
    (error: unknown) => process.send?.({ number, failed: String(error) }),
  );
});
process.send?.({ number: 0, result: null });
