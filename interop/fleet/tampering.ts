/**
 * The table of tampered copies, for all suites. No client may take any of them: it must refuse at the
 * right file and for the right reason, keep what it trusted, and go on as soon as it is served the
 * truth.
 */
import type { Tampering } from "./lie.ts";
import { ONLINE_LIES } from "./online-lies.ts";
import { ROOT_LIES } from "./root-lies.ts";

export const TAMPERINGS: readonly Tampering[] = [...ROOT_LIES, ...ONLINE_LIES];
