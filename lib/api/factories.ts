/** Making a Factory, and making its first root again. */
import * as v from "valibot";
import { isDownloadLink } from "../delivery/link.ts";
import { FACTORY_NAME, isFactoryName } from "../state/names.ts";
import * as form from "../text/forms.ts";
import { isSha256, SHA256 } from "../tuf/bytes.ts";
import { DIALECTS } from "../tuf/dialect.ts";
import { KEY_TYPES } from "../tuf/keys.ts";
import { operation } from "./operation.ts";
import { FACTORIES, FACTORY } from "./path.ts";
import { printable } from "./shapes.ts";

/**
 * As mail systems write it without quotes (RFC 5322 dot-atoms, a host of RFC 1123), and never what a
 * command line would take for a flag. An address that no mail system takes would wait here for ever.
 */
const ATOMS = /^(?!-)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const HOST = /^[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)*$/i;

const email = v.pipe(
  printable,
  v.check((text) => {
    const [local = "", host = "", ...more] = text.split("@");
    return ATOMS.test(local) && HOST.test(host) && more.length === 0;
  }, "expected an e-mail address"),
  v.metadata({ format: "email" }),
);
const owner = v.strictObject({ id: printable, email });
/** The reader of messages about the delivery. */
const provisioner = v.optional(v.strictObject({ email }));
const recipientCertificate = v.optional(
  v.pipe(
    v.nullable(v.string()),
    v.description("X.509 in PEM, with an RSA key: the archive is encrypted to it."),
  ),
);

const bootstrapBody = v.strictObject({
  name: v.pipe(
    v.string(),
    v.check(isFactoryName, "expected ^[a-z0-9][a-z0-9-]{1,62}$"),
    form.described<string>(FACTORY_NAME),
    v.transform((name) => name as typeof name & { readonly brand: "FactoryName" }),
  ),
  dialect: v.optional(v.picklist(DIALECTS), "ats"),
  keyType: v.optional(v.picklist(KEY_TYPES), "rsa"),
  onlineKeyType: v.optional(v.picklist(KEY_TYPES), "ed25519"),
  owner,
  delivery: v.optional(v.picklist(["link", "api"]), "link"),
  provisioner,
  recipientCertificate,
});

const rebootstrapBody = v.strictObject({
  replaces: v.pipe(
    v.string(),
    v.check(isSha256, "expected a SHA-256 in hex"),
    form.described<string>(SHA256, {
      description: "The root version 1 that is to go, of any channel.",
    }),
  ),
  keyType: v.optional(v.nullable(v.picklist(KEY_TYPES)), null),
  onlineKeyType: v.optional(v.nullable(v.picklist(KEY_TYPES)), null),
  owner: v.optional(v.nullable(v.partial(owner)), null),
  ownerToken: v.optional(
    v.pipe(
      v.nullable(v.string()),
      v.description("Needed after a confirmation, together with noDeviceExists."),
    ),
    null,
  ),
  noDeviceExists: v.optional(v.boolean(), false),
  provisioner,
  recipientCertificate,
});

const bootstrapAnswer = v.object({
  factory: form.factoryName,
  dialect: form.dialect,
  root: v.object({
    version: form.version,
    keyids: v.array(form.keyId),
    sha256: v.record(form.channel, form.sha256Hex),
  }),
  delivery: v.object({
    mode: v.picklist(["link", "api"]),
    /** In the first answer only. */
    url: v.optional(v.pipe(v.string(), v.check(isDownloadLink), v.metadata({ format: "uri" }))),
    expiresAt: v.optional(form.time),
    /** SHA-256 of the file that the owner will save. */
    sha256: form.sha256Hex,
    /** SHA-256 of the certificate that the file is encrypted to. */
    recipient: v.optional(form.sha256Hex),
    /** With the link only; an earlier release does not say. */
    mail: v.optional(v.picklist(["outbox", "ses", "none", "failed", "unknown"]), "unknown"),
  }),
  /** In the first answer only. */
  ownerToken: v.optional(form.ownerToken),
  /** In a replay: why link and token are not in it. */
  note: v.optional(form.words),
});

export const createFactory = /* @__PURE__ */ operation(() => ({
  id: "createFactory",
  method: "POST",
  path: FACTORIES,
  access: "provisioner",
  title: "Make a Factory",
  about:
    "Makes the root key, the online keys and version 1 of all metadata. With delivery by link, the answer has " +
    "the link that yields the root key once. A request that is repeated with its Idempotency-Key makes nothing twice.",
  headers: {
    "Idempotency-Key": {
      form: v.pipe(v.string(), v.regex(/^[\x20-\x7e]{1,255}$/)),
      expected: "1 to 255 printable characters",
      about:
        "Drawn at random for one request. The same key with the same body gets the Factory that the first " +
        "request made, without link and owner token. The same key with another body is refused.",
    },
  },
  body: bootstrapBody,
  answers: {
    201: "The Factory is made. Link and owner token are in this answer only.",
    200: "An earlier request with this Idempotency-Key made it.",
  },
  answer: bootstrapAnswer,
  refusals: ["factory-exists", "idempotency-key-reused", "busy"],
}));

export const rebootstrapFactory = /* @__PURE__ */ operation(() => ({
  id: "rebootstrapFactory",
  method: "POST",
  path: `${FACTORY}rebootstrap`,
  access: "provisioner",
  title: "Make the first root again",
  about:
    "For a delivery that went wrong. The new root takes the place of the old one. The earlier link and every " +
    "token of the Factory end.",
  body: rebootstrapBody,
  answers: { 201: "It is replaced. Link and owner token are in this answer only." },
  answer: bootstrapAnswer,
  refusals: ["not-replaceable", "version-conflict", "update-in-progress", "roots-behind", "busy"],
}));
