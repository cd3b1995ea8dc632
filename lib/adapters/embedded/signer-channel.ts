/**
 * Requests and replies of a signer over a byte stream between two processes: a socket, or a pair of
 * pipes. Each message is a frame: its length in 4 bytes (big-endian), then JSON with the number of
 * the request. Replies come in any order.
 */
import type { Duplex } from "node:stream";
import { RootwardError } from "../../error.ts";
import { makesKey, type Reply } from "../../signing/operations.ts";
import type { Call } from "../../signing/remote.ts";

const HEADER_BYTES = 4;
/** Two targets documents of the longest kind, in base64: far above what anybody sends. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** An RSA key takes seconds, on a busy machine many; longer than this means that nobody works on it. */
const ANSWER_WITHIN_MS = 120_000;
/** Questions of one stream that are answered at a time: more wait in the sender's memory, not here. */
const MAX_UNDER_WAY = 64;

/**
 * Answers every request that comes in on `stream`, until it ends. Keys that are being made do not count
 * towards the limit: 24 requests for three keys each once filled it, and no signature got through.
 */
export function answerOn(stream: Duplex, answer: (request: unknown) => Promise<Reply>): void {
  let underWay = 0;
  const flow = (): void => {
    if (underWay >= MAX_UNDER_WAY || stream.writableNeedDrain) stream.pause();
    else stream.resume();
  };
  stream.on("drain", flow);
  const respond = async (number: number, request: unknown): Promise<void> => {
    const reply = await answer(request);
    if (stream.writable) writeFrame(stream, { number, reply });
  };
  readFrames(stream, (message) => {
    const { number, request } = message as { number?: unknown; request?: unknown };
    // It goes back as it came: nothing else than a number does.
    if (!Number.isSafeInteger(number)) return void stream.destroy();
    const place = makesKey(request) ? 0 : 1;
    underWay += place;
    flow();
    void respond(number as number, request)
      .catch(() => stream.destroy())
      .finally(() => {
        underWay -= place;
        flow();
      });
  });
}

/**
 * Asks over `stream`. Once it is closed every question, those under way too, is `unavailable`: what was
 * asked may have been done or not.
 *
 * @param gone what the error then says
 * @param answerWithin milliseconds, after which a question is an error, too
 */
export function callOver(
  stream: Duplex,
  gone = "the signer is gone: was it stopped?",
  answerWithin = ANSWER_WITHIN_MS,
): Call {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  readFrames(stream, (message) => {
    const { number, reply } = message as { number: number; reply: unknown };
    waiting.get(number)?.resolve(reply);
    waiting.delete(number);
  });
  stream.once("close", () => {
    for (const { reject } of waiting.values()) reject(new RootwardError("unavailable", gone));
    waiting.clear();
  });
  return async (request) => {
    if (!stream.writable) throw new RootwardError("unavailable", gone);
    const answered = Promise.withResolvers<unknown>();
    const number = (last += 1);
    waiting.set(number, answered);
    writeFrame(stream, { number, request });
    const late = setTimeout(() => {
      waiting.delete(number);
      answered.reject(new RootwardError("unavailable", "the signer does not answer"));
    }, answerWithin);
    try {
      return await answered.promise;
    } finally {
      clearTimeout(late);
    }
  };
}

function writeFrame(stream: Duplex, message: object): void {
  const body = Buffer.from(JSON.stringify(message));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(body.length);
  stream.write(Buffer.concat([header, body]));
}

/** A side that sends anything but frames of JSON objects is cut off. */
function readFrames(stream: Duplex, onMessage: (message: object) => void): void {
  let chunks: Buffer[] = [];
  let length = 0;
  let wanted = HEADER_BYTES;
  let inBody = false;
  const take = (): Buffer => {
    const all = Buffer.concat(chunks);
    chunks = all.length > wanted ? [all.subarray(wanted)] : [];
    length = all.length - wanted;
    return all.subarray(0, wanted);
  };
  stream.on("error", () => stream.destroy());
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    while (length >= wanted && !stream.destroyed) {
      const part = take();
      if (!inBody) {
        wanted = part.readUInt32BE();
        inBody = true;
        if (wanted > MAX_FRAME_BYTES) stream.destroy();
        continue;
      }
      wanted = HEADER_BYTES;
      inBody = false;
      const message = parsed(part);
      if (message === null) stream.destroy();
      else onMessage(message);
    }
  });
}

function parsed(body: Buffer): object | null {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
