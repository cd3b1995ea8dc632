/** Routes of provisioners: making a Factory, and making its first root again. */
import type { Hono } from "hono";
import { createFactory, rebootstrapFactory } from "../api/factories.ts";
import { RootwardError } from "../error.ts";
import { bootstrap } from "../service/bootstrap/bootstrap.ts";
import { rebootstrap } from "../service/bootstrap/rebootstrap.ts";
import type { Needs, Changes, Signs } from "../service/service.ts";
import { sha256, sha256Text, type Sha256 } from "../tuf/bytes.ts";
import { factoryParam } from "./ask.ts";
import { readJson } from "./request.ts";
import { serve } from "./serve.ts";

export function bootstrapRoutes(
  app: Hono,
  service: Needs<
    | Changes
    | Signs
    | "archives"
    | "attempts"
    | "makeRootKey"
    | "notifier"
    | "publicUrl"
    | "readRecipient"
    | "requests"
    | "shares"
    | "verify"
    | "wrapper"
  >,
): void {
  serve(app, service, createFactory, async (ask) => {
    const { principal } = ask.allowed;
    const { token } = principal;
    const { value, bytes } = await readJson(ask);
    const { name, provisioner, recipientCertificate = null, ...rest } = value;
    if (recipientCertificate !== null && value.delivery !== "link") {
      throw new RootwardError("malformed", "recipientCertificate: expected delivery by link");
    }
    const spec = {
      ...rest,
      factory: name,
      provisioner: { id: token.user, email: provisioner?.email ?? null },
      recipient: await recipientFrom(service, recipientCertificate),
    };
    const key = ask.header("Idempotency-Key");
    const createdWith =
      key === undefined ? null : await firstUse(service, token.id, key, sha256(bytes));
    const result = await bootstrap(service, spec, principal, createdWith);
    return ask.answer(result.ownerToken === undefined ? 200 : 201, result);
  });

  serve(app, service, rebootstrapFactory, async (ask) => {
    const { principal } = ask.allowed;
    const { value } = await readJson(ask);
    const { provisioner, recipientCertificate, ...rest } = value;
    const result = await rebootstrap(service, {
      ...rest,
      factory: factoryParam(ask.c),
      principal,
      provisionerEmail: provisioner?.email ?? null,
      recipient:
        recipientCertificate === undefined
          ? undefined
          : await recipientFrom(service, recipientCertificate),
    });
    return ask.answer(201, result);
  });
}

async function recipientFrom(service: Needs<"now" | "readRecipient">, pem: string | null) {
  return pem === null ? null : service.readRecipient(pem, service.now());
}

/** An Idempotency-Key belongs to one body, for one token. @returns the hash it is kept under */
async function firstUse(
  service: Needs<"now" | "requests">,
  tokenId: string,
  key: string,
  bodyHash: Sha256,
): Promise<Sha256> {
  const keyHash = sha256Text(`${tokenId} ${key}`);
  if ((await service.requests.first(keyHash, bodyHash, service.now())) !== bodyHash) {
    throw new RootwardError(
      "idempotency-key-reused",
      "this Idempotency-Key was used for another body: take a new key for a new request",
    );
  }
  return keyHash;
}
