/** Paths that two route groups share. */
export const UPDATES = "/ota/repo/:factory/api/v1/user_repo/root/updates";
