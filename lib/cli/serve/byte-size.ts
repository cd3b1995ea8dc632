/** Sizes as people read them, in powers of 1000, as disks and downloads are sold. */

const UNITS = ["kB", "MB", "GB", "TB", "PB"];

/** @returns such as `512 B`, `1.4 MB`, `12 GB`: two digits, or whole units from ten on */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes / 1000;
  let unit = 0;
  // A size that would be rounded to 1000 is 1 of the next unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[unit] ?? ""}`;
}
