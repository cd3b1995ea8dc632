/**
 * The signer as a function. Devices read its documents through the gateway, and Lambda lets no answer be
 * longer than 6 MB of JSON. Both are in base64 there (gateway.ts), but around the gateway's are a status
 * and headers: what would fit here and not there is refused, as too large, before it is published.
 */
import { answer, type Reply, type Signer } from "../signing/operations.ts";
import { plainHandler } from "./handler.ts";
import { report } from "./telemetry.ts";

/** Bytes of JSON that an invocation may answer with: Lambda says 6 MB, and this in its errors. */
export const MAX_ANSWER_BYTES = 6_291_556;
/** Room for what is around a body: some 300 bytes of it are taken. */
const AROUND = 1024;
/** Longest document that can be signed and delivered. */
export const MAX_SIGNED_BYTES = Math.floor((MAX_ANSWER_BYTES - AROUND) / 4) * 3;

export function signerHandler(signer: Pick<Signer, "id" | "boundary">) {
  return plainHandler(async (request) => deliverable(await answer(signer, request, report)));
}

function deliverable(reply: Reply): Reply {
  if (!("result" in reply) || typeof reply.result !== "string") return reply;
  const length = Buffer.byteLength(reply.result, "base64");
  if (length <= MAX_SIGNED_BYTES) return reply;
  const message =
    `signed document: expected at most ${MAX_SIGNED_BYTES} bytes, got ${length}: remove targets that ` +
    "devices no longer need, or shorten custom";
  return { error: { code: "too-large", message } };
}
