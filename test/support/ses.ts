/**
 * The part of Amazon SES that we use (v2 API), on loopback, written after its reference: it takes one
 * plain-text message at a time and keeps it. It refuses what is not signed, and what we never send.
 */
import { json } from "node:stream/consumers";
import * as v from "valibot";
import { listen, type Loopback } from "./loopback.ts";

const part = v.strictObject({ Data: v.string(), Charset: v.literal("UTF-8") });
const header = v.strictObject({ Name: v.string(), Value: v.string() });
const message = v.strictObject({
  FromEmailAddress: v.string(),
  ConfigurationSetName: v.string(),
  Destination: v.strictObject({ ToAddresses: v.tuple([v.string()]) }),
  Content: v.strictObject({
    Simple: v.strictObject({
      Subject: part,
      Body: v.strictObject({ Text: part }),
      Headers: v.array(header),
    }),
  }),
});
export type SentMail = v.InferOutput<typeof message>;

export interface FakeSes extends Loopback {
  /** What was accepted, in order, with what came again. */
  readonly sent: SentMail[];
}

/** Whoever has this address is not written to. */
export const REJECTED = "rejected@example.com";

export async function startSes(): Promise<FakeSes> {
  const sent: SentMail[] = [];
  const loopback = await listen((request, response) => {
    void (async () => {
      const body = v.safeParse(message, await json(request));
      const signed = request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ") === true;
      const refuse = (name: string): void => {
        response.writeHead(400, { "Content-Type": "application/json", "x-amzn-ErrorType": name });
        response.end(JSON.stringify({ message: name }));
      };
      if (!signed) return refuse("MissingAuthenticationTokenException");
      if (request.url !== "/v2/email/outbound-emails" || !body.success) {
        return refuse("BadRequestException");
      }
      if (body.output.Destination.ToAddresses[0] === REJECTED) return refuse("MessageRejected");
      sent.push(body.output);
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ MessageId: `${sent.length}` }));
    })();
  });
  return { ...loopback, sent };
}
