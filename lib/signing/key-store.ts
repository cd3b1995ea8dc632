/**
 * Where online private keys are kept. There are two kinds: `sealed`, a key pair wrapped under a key
 * that the boundary alone may use and opened only inside it; and `kms`, a key that never leaves AWS KMS.
 * KMS signs no Ed25519 metadata (`ED25519_SHA_512` takes the message itself, at most 4096 bytes of it,
 * and the pre-hashed variant verifies nowhere), so its keys are RSA, signed with by digest.
 */
import { RootwardError } from "../error.ts";
import type { FactoryRef } from "../service/ports.ts";
import { ONLINE_ROLES, type OnlineRole } from "../tuf/dialect.ts";
import type { KeyId, KeyType } from "../tuf/keys.ts";
import type { PublicKey } from "../tuf/spki.ts";

export const KEY_KINDS = ["sealed", "kms"] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** The owner of the key, bound to it where the kind of store can. */
export interface KeyOwner {
  readonly ref: FactoryRef;
  readonly role: OnlineRole;
  readonly keyid: KeyId;
}

export interface OnlineKey {
  readonly publicKey: PublicKey;
  /** Signs as the key's algorithm asks (crypto/verify.ts). */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export interface KeyStore {
  /**
   * Makes a key pair for a role.
   *
   * @returns the public half, and what the key is found with again: no private half in the clear
   * @throws RootwardError `malformed` for a type of key that it cannot keep
   */
  make(
    ref: FactoryRef,
    role: OnlineRole,
    type: KeyType,
  ): Promise<{ readonly publicKey: PublicKey; readonly handle: Uint8Array }>;
  /** @throws where the handle is another owner's */
  open(handle: Uint8Array, owner: KeyOwner): Promise<OnlineKey>;
  /** The work to do before a handle is forgotten. Idempotent. */
  destroy(handle: Uint8Array): Promise<void>;
}

/** Where a new key of a role is kept. */
export type KindOf = (ref: FactoryRef, role: OnlineRole) => KeyKind;

const RULE = /^(\*|[a-z0-9][a-z0-9-]{1,62})\/(\*|[a-z]+)=([a-z]+)$/;

/**
 * Reads rules such as `acme/targets=kms,acme/snapshot=sealed`: which kind, by Factory and role, `*`
 * for any. The last rule that fits counts; where none does, keys are sealed.
 *
 * @throws RootwardError `usage`
 */
export function readKeyRules(text: string): KindOf & { readonly kinds: ReadonlySet<KeyKind> } {
  const rules = text
    .split(",")
    .filter((rule) => rule !== "")
    .map((rule) => {
      const [, factory, name, kindName] = RULE.exec(rule) ?? [];
      const kind = KEY_KINDS.find((one) => one === kindName);
      const role = name === "*" ? name : ONLINE_ROLES.find((one) => one === name);
      if (factory === undefined || role === undefined || kind === undefined) throw wrongRule(rule);
      return { factory, role, kind };
    });
  const kindOf: KindOf = ({ factory }, role) =>
    rules.findLast(
      (rule) => ["*", factory].includes(rule.factory) && ["*", role].includes(rule.role),
    )?.kind ?? "sealed";
  const kinds = new Set<KeyKind>(["sealed", ...rules.map(({ kind }) => kind)]);
  return Object.assign(kindOf, { kinds });
}

function wrongRule(rule: string): RootwardError {
  return new RootwardError(
    "usage",
    `online key rule ${rule}: expected FACTORY/ROLE=KIND, with * for any Factory or role, of ` +
      `${ONLINE_ROLES.join(", ")}, and ${KEY_KINDS.join(" or ")}`,
  );
}
