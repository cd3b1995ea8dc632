/** What a token may do. `delivery` is the scope of a download link's id and of nothing else. */
const SCOPES = [
  "factory:create",
  "root:read",
  "root:update",
  "targets:update",
  "admin",
  "delivery",
] as const;
export type Scope = (typeof SCOPES)[number];

/** What the owner of a Factory gets at bootstrap and with the confirmation. */
export const OWNER_SCOPES: readonly Scope[] = ["root:read", "root:update"];

/** What the token of whoever installs the service may do: everything but claiming. */
export const ADMIN_SCOPES: readonly Scope[] = SCOPES.filter((scope) => scope !== "delivery");
