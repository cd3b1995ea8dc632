/** Routes of provisioners: making a Factory, and making its first root again. */
import type { Context, Hono } from "hono";
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import { isFactoryName } from "../factory/names.ts";
import { authorize, type Principal } from "../service/authorize.ts";
import { bootstrap } from "../service/bootstrap.ts";
import { rebootstrap } from "../service/rebootstrap.ts";
import type { Service } from "../service/service.ts";
import { isSha256, sha256, sha256Text, type Sha256 } from "../tuf/bytes.ts";
import { DIALECTS } from "../tuf/dialect.ts";
import { KEY_TYPES } from "../tuf/keys.ts";
import { factoryParam, printable, readJson, requestToken } from "./request.ts";
import { routes } from "./routes.ts";

/**
 * As mail systems write it without quotes (RFC 5322 dot-atoms, a host of RFC 1123), and never what a
 * command line would take for a flag. What no mail system takes would wait here to be sent for ever.
 */
const ATOMS = /^(?!-)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const HOST = /^[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)*$/i;

const email = v.pipe(
  printable,
  v.check((text) => {
    const [local = "", host = "", ...more] = text.split("@");
    return ATOMS.test(local) && HOST.test(host) && more.length === 0;
  }, "expected an e-mail address"),
);
const owner = v.strictObject({ id: printable, email });
const sent = {
  /** Who is told what becomes of the delivery. */
  provisioner: v.optional(v.strictObject({ email })),
  /** X.509 PEM with an RSA key: the archive is encrypted to it. */
  recipientCertificate: v.optional(v.nullable(v.string())),
};

const bootstrapBody = v.strictObject({
  name: v.pipe(
    v.string(),
    v.check(isFactoryName, "expected ^[a-z0-9][a-z0-9-]{1,62}$"),
    v.transform((name) => name as typeof name & { readonly brand: "FactoryName" }),
  ),
  dialect: v.optional(v.picklist(DIALECTS), "ats"),
  keyType: v.optional(v.picklist(KEY_TYPES), "rsa"),
  onlineKeyType: v.optional(v.picklist(KEY_TYPES), "ed25519"),
  owner,
  delivery: v.optional(v.picklist(["link", "api"]), "link"),
  ...sent,
});

const rebootstrapBody = v.strictObject({
  replaces: v.pipe(v.string(), v.check(isSha256, "expected a SHA-256 in hex")),
  keyType: v.optional(v.nullable(v.picklist(KEY_TYPES)), null),
  onlineKeyType: v.optional(v.nullable(v.picklist(KEY_TYPES)), null),
  owner: v.optional(v.nullable(v.partial(owner)), null),
  ownerToken: v.optional(v.nullable(v.string()), null),
  noDeviceExists: v.optional(v.boolean(), false),
  ...sent,
});

export function bootstrapRoutes(app: Hono, service: Service): void {
  routes(app, "/ota/factories/", {
    POST: async (c) => {
      const principal = await authorizeProvisioner(service, c);
      const { token } = principal;
      const { value, bytes } = await readJson(c, bootstrapBody);
      const { name, provisioner, recipientCertificate = null, ...rest } = value;
      if (recipientCertificate !== null && value.delivery !== "link") {
        throw new RootwardError("malformed", "recipientCertificate: expected delivery by link");
      }
      const spec = {
        ...rest,
        factory: name,
        provisioner: { id: token.user, email: provisioner?.email ?? null },
        recipient: await readRecipient(service, recipientCertificate),
      };
      const key = c.req.header("idempotency-key");
      const createdWith =
        key === undefined ? null : await firstUse(service, token.id, key, sha256(bytes));
      const result = await bootstrap(service, spec, principal, createdWith);
      return c.json(result, result.ownerToken === undefined ? 200 : 201);
    },
  });

  routes(app, "/ota/factories/:factory/rebootstrap", {
    POST: async (c) => {
      const principal = await authorizeProvisioner(service, c);
      const { value } = await readJson(c, rebootstrapBody);
      const { provisioner, recipientCertificate, ...rest } = value;
      const result = await rebootstrap(service, {
        ...rest,
        factory: factoryParam(c),
        principal,
        provisionerEmail: provisioner?.email ?? null,
        recipient:
          recipientCertificate === undefined
            ? undefined
            : await readRecipient(service, recipientCertificate),
      });
      return c.json(result, 201);
    },
  });
}

/** A token that makes Factories; one that is bound to a Factory makes none. */
async function authorizeProvisioner(service: Service, c: Context): Promise<Principal> {
  const principal = await authorize(service, requestToken(c), "factory:create");
  if (principal.token.bound === null) return principal;
  throw new RootwardError("forbidden", "a token of one Factory creates no others");
}

async function readRecipient(service: Service, pem: string | null) {
  return pem === null ? null : service.readRecipient(pem, service.now());
}

/** An Idempotency-Key stands for one body, for one token. @returns the hash it is kept under */
async function firstUse(
  service: Service,
  tokenId: string,
  key: string,
  bodyHash: Sha256,
): Promise<Sha256> {
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new RootwardError("malformed", "Idempotency-Key: expected 1 to 255 printable characters");
  }
  const keyHash = sha256Text(`${tokenId} ${key}`);
  if ((await service.requests.first(keyHash, bodyHash, service.now())) !== bodyHash) {
    throw new RootwardError(
      "idempotency-key-reused",
      "this Idempotency-Key was used for another body: take a new key for a new request",
    );
  }
  return keyHash;
}
