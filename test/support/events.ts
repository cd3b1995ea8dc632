/**
 * The part of Amazon EventBridge that we use (PutEvents), on loopback, written after its reference: it takes
 * one event at a time for the default bus and keeps it. It refuses what is not signed, and what we never
 * send. An entry that is not taken fails alone: the call succeeds all the same.
 */
import { json } from "node:stream/consumers";
import * as v from "valibot";
import { listen, type Loopback } from "./loopback.ts";

const entry = v.strictObject({
  Source: v.pipe(v.string(), v.nonEmpty(), v.regex(/^(?!aws\.)/)),
  DetailType: v.pipe(v.string(), v.nonEmpty(), v.maxLength(128)),
  Detail: v.string(),
  /** Seconds since 1970. */
  Time: v.number(),
});
const request = v.strictObject({ Entries: v.tuple([entry]) });
export type SentEvent = v.InferOutput<typeof entry>;

export interface FakeEvents extends Loopback {
  /** What was accepted, in order, with what came again. */
  readonly sent: SentEvent[];
  /** Codes with which the next entries fail, one for each. */
  readonly failures: string[];
}

const MAX_BYTES = 256 * 1024;

export async function startEvents(): Promise<FakeEvents> {
  const sent: SentEvent[] = [];
  const failures: string[] = [];
  const take = (one: SentEvent): object => {
    const failed = failures.shift() ?? (isObject(one.Detail) ? undefined : "MalformedDetail");
    if (failed !== undefined) return { ErrorCode: failed, ErrorMessage: failed };
    sent.push(one);
    return { EventId: `${sent.length}` };
  };
  const loopback = await listen((asked, response) => {
    void (async () => {
      const body = v.safeParse(request, await json(asked));
      const answer = (status: number, value: object): void => {
        response.writeHead(status, { "Content-Type": "application/x-amz-json-1.1" });
        response.end(JSON.stringify(value));
      };
      const { authorization = "", "x-amz-target": target } = asked.headers;
      if (!/^AWS4-HMAC-SHA256 Credential=[^,]*\/events\/aws4_request,/.test(authorization)) {
        return answer(400, { __type: "MissingAuthenticationTokenException" });
      }
      if (target !== "AWSEvents.PutEvents" || asked.url !== "/" || !body.success) {
        return answer(400, { __type: "ValidationException" });
      }
      const [one] = body.output.Entries;
      if (sizeOf(one) > MAX_BYTES) return answer(400, { __type: "ValidationException" });
      const taken = take(one);
      const failed = "ErrorCode" in taken ? 1 : 0;
      return answer(200, { FailedEntryCount: failed, Entries: [taken] });
    })();
  });
  return { ...loopback, sent, failures };
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** As the developer's guide reckons it: 14 bytes for the time, and the texts in UTF-8. */
function sizeOf({ Source, DetailType, Detail }: SentEvent): number {
  return 14 + Buffer.byteLength(Source + DetailType + Detail, "utf8");
}
