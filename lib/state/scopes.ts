/** The rights of tokens. `delivery` is the scope of a download link's id and of nothing else. */
export const SCOPES = [
  "factory:create",
  "root:read",
  "root:update",
  "targets:update",
  "admin",
  "delivery",
] as const;
export type Scope = (typeof SCOPES)[number];

/** Those that a token of one Factory can have. */
export const FACTORY_SCOPES = [
  "root:read",
  "root:update",
  "targets:update",
] as const satisfies readonly Scope[];

/** The scopes of a Factory's owner, from the bootstrap and from the confirmation. */
export const OWNER_SCOPES: readonly Scope[] = ["root:read", "root:update", "targets:update"];

/** The scopes of the operator: `admin` includes every scope but `delivery`. */
export const ADMIN_SCOPES: readonly Scope[] = ["admin"];

/** The scopes of a pipeline: make Factories, bootstrap them again, and read their state. */
export const PROVISIONER_SCOPES: readonly Scope[] = ["factory:create"];
