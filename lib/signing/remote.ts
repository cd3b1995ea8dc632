/**
 * The ports of a signer that runs elsewhere: each call becomes one request (operations.ts) and its reply a
 * value or an error. A request during which the connection broke may have been done or not.
 */
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import type { ChannelRef, FactoryRef, SignRequest, SigningBoundary } from "../service/ports.ts";
import { fromBase64, toBase64 } from "../tuf/bytes.ts";
import { fromSpki } from "../tuf/spki.ts";
import { keyid, reply, rootMark, type Request, type Result, type Signer } from "./operations.ts";

/** Sends a request and gives what came back, parsed. */
export type Call = (request: Request) => Promise<unknown>;

/** @throws RootwardError `internal` where no signer answers */
export async function remoteSigner(call: Call): Promise<Signer> {
  const ask = asker(call);
  const id = await ask({ operation: "identify" });
  if (typeof id !== "string") throw damaged();
  return {
    id,
    boundary: remoteBoundary(call),
    async check() {
      await ask({ operation: "check" });
    },
    wrapper: {
      async wrap(plain, context) {
        return decode(
          await ask({ operation: "wrap", plain: toBase64(plain), context: share(context) }),
        );
      },
      async unwrap(wrapped, context) {
        const request = { wrapped: toBase64(wrapped), context: share(context) };
        return decode(await ask({ operation: "unwrap", ...request }));
      },
    },
  };
}

/** The boundary alone; it asks nothing before it is asked. */
export function remoteBoundary(call: Call): SigningBoundary {
  const ask = asker(call);
  return {
    async makeKey(ref, role, keyType) {
      const request = { operation: "make-key", ...factoryRef(ref), role, keyType } as const;
      return fromSpki(decode(await ask(request)));
    },
    async trustFirstRoots(ref, roots) {
      const encoded = roots.map(({ channel, bytes }) => ({ channel, bytes: toBase64(bytes) }));
      await ask({ operation: "trust-first-roots", ...factoryRef(ref), roots: encoded });
    },
    async trustedRoot(ref) {
      const answered = await ask({ operation: "trusted-root", ...channelRef(ref) });
      if (v.is(rootMark, answered)) return answered;
      throw damaged();
    },
    async expectedRoots(ref) {
      const answered = await ask({ operation: "expected-roots", ...channelRef(ref) });
      if (v.is(v.array(rootMark), answered)) return answered;
      throw damaged();
    },
    async keptRoot(ref, version) {
      const answered = await ask({ operation: "kept-root", ...channelRef(ref), version });
      return answered === null ? null : decode(answered);
    },
    async keepRoot(ref, root) {
      await ask({ operation: "keep-root", ...channelRef(ref), root: toBase64(root) });
    },
    async expect(ref, root) {
      await ask({ operation: "expect", ...channelRef(ref), root: toBase64(root) });
    },
    async heldKeys(ref) {
      const answered = await ask({ operation: "held-keys", ...factoryRef(ref) });
      if (v.is(v.array(keyid), answered)) return answered;
      throw damaged();
    },
    async follow(ref, roots) {
      const encoded = roots.map((bytes) => toBase64(bytes));
      await ask({ operation: "follow", ...channelRef(ref), roots: encoded });
    },
    async sign(request) {
      return decode(await ask(signRequest(request)));
    },
    async destroyKey(ref, role, keyid) {
      await ask({ operation: "destroy-key", ...factoryRef(ref), role, keyid });
    },
    async sweepKeys(ref, named) {
      await ask({ operation: "sweep-keys", ...factoryRef(ref), named: [...named] });
    },
    async abandon(ref) {
      await ask({ operation: "abandon", ...factoryRef(ref) });
    },
  };
}

function asker(call: Call) {
  return async (request: Request): Promise<Result> => {
    const parsed = v.safeParse(reply, await call(request));
    if (!parsed.success) throw damaged();
    if ("result" in parsed.output) return parsed.output.result;
    const { code, message, facts } = parsed.output.error;
    throw new RootwardError(code, message, facts && { facts });
  };
}

function signRequest(request: SignRequest): Request {
  const { content, version, expires, nextRoot, spare } = request;
  return {
    operation: "sign",
    ...channelRef(request),
    content,
    version,
    expires,
    ...(nextRoot && { nextRoot: toBase64(nextRoot) }),
    ...(spare !== undefined && { spare }),
  };
}

/** A reference may be a whole head: only what belongs to it is sent. */
function factoryRef({ factory, instance, dialect }: FactoryRef): FactoryRef {
  return { factory, instance, dialect };
}

function channelRef(ref: ChannelRef): ChannelRef {
  return { ...factoryRef(ref), channel: ref.channel };
}

type ShareContext = Extract<Request, { operation: "wrap" }>["context"];

function share(context: Readonly<Record<string, string>>): ShareContext {
  // The signer holds it to its schema; here it only travels.
  return context as ShareContext;
}

function decode(text: Result): Uint8Array {
  const bytes = typeof text === "string" ? fromBase64(text) : null;
  if (bytes === null) throw damaged();
  return bytes;
}

function damaged(): RootwardError {
  return new RootwardError("internal", "the signer's answer is damaged");
}
