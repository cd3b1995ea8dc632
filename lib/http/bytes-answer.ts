/**
 * Large answers of bytes that others may be getting too: they are not copied, and go out in slices, each
 * once the one before it has left, so that a slow client holds a slice and shares the rest.
 */
import type { Context } from "hono";
import type { Operation } from "../api/operation.ts";
import type { Answer, Ask } from "./ask.ts";
import { connectionEnv } from "./connection-env.ts";

const SLICE_BYTES = 65_536;

/** @param bytes never changed afterwards; the same array for the same bytes, where there is one */
export function bytesAnswer(
  c: Context,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Response {
  if (bytes.length <= SLICE_BYTES) return c.body(new Uint8Array(bytes), 200, headers);
  connectionEnv(c)?.holdDocument(bytes, bytes.length);
  return c.body(slices(bytes), 200, { ...headers, "Content-Length": `${bytes.length}` });
}

/** A long answer for its owner alone. */
export function longAnswer<const O extends Operation>({ c }: Ask<O>, value: Answer<O>): Response {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return bytesAnswer(c, bytes, { "Content-Type": "application/json" });
}

function slices(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        controller.enqueue(bytes.subarray(at, at + SLICE_BYTES));
        at += SLICE_BYTES;
        if (at >= bytes.length) controller.close();
      },
    },
    // Nothing is read ahead.
    { highWaterMark: 0 },
  );
}
