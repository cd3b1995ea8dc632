/**
 * A root of the ats dialect as a recorded request or an answer has it. Member names are those of the
 * wire; this is a reading for tests, and verifies nothing.
 */

export interface RootKey {
  readonly keytype: string;
  readonly keyval: { readonly public: string };
}

export interface RootSignature {
  readonly keyid: string;
  readonly method: string;
  /** Base64. */
  readonly sig: string;
}

interface RootRole {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

export interface RootDocument {
  readonly signatures: readonly RootSignature[];
  readonly signed: {
    readonly version: number;
    readonly expires: string;
    readonly keys: Readonly<Record<string, RootKey>>;
    readonly roles: Readonly<Record<string, RootRole>>;
    readonly "x-changelog"?: Readonly<Record<"polis-id" | "message" | "timestamp", string>>;
    readonly "x-key-owners"?: Readonly<Record<string, { readonly "polis-id": string }>>;
  };
}

/** @throws where the root has no such role */
export function roleOf({ signed }: RootDocument, name: string): RootRole {
  const role = signed.roles[name];
  if (role === undefined) throw new Error(`root ${signed.version} has no role ${name}`);
  return role;
}

export function keyidsOf(root: RootDocument, role: string): readonly string[] {
  return roleOf(root, role).keyids;
}
