/**
 * Expiry times (rule 8): exactly `YYYY-MM-DDTHH:MM:SSZ`. aktualizr refuses any other length, and
 * ota-tuf writes no fractions. Old Sigstore roots have fractions and offsets; only a reader of
 * foreign chains takes those.
 */

/** The form of a time, which may still be a day that does not exist. */
export const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const LENIENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * @returns milliseconds since 1970, or null where the form is wrong or the day does not exist
 */
export function parseExpires(text: string, lenient = false): number | null {
  if (!(lenient ? LENIENT : TIME).test(text)) return null;
  const time = Date.parse(text);
  if (Number.isNaN(time)) return null;
  // Date.parse takes 31 April for 1 May and 24:00 for the next day; writing it again shows it.
  const written = text.slice(0, 19);
  return formatTime(Date.parse(`${written}Z`)) === `${written}Z` ? time : null;
}

/** @param time milliseconds since 1970; fractions of a second are cut off */
export function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
