/** What a token may do. `delivery` is the scope of a download link's id and of nothing else. */
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

/** What the owner of a Factory gets at bootstrap and with the confirmation. */
export const OWNER_SCOPES: readonly Scope[] = ["root:read", "root:update", "targets:update"];

/** What whoever installs the service may do: `admin` stands for every scope but `delivery`. */
export const ADMIN_SCOPES: readonly Scope[] = ["admin"];

/** What a pipeline may do: make Factories, bootstrap them again, and read their state. */
export const PROVISIONER_SCOPES: readonly Scope[] = ["factory:create"];
