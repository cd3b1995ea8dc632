/** Looking through stolen bytes for what could be a secret, wherever it lies. */

export interface Stolen {
  readonly file: string;
  readonly bytes: Buffer;
}

/** Texts of 32 bytes that stand alone, names of files included. */
export function words(stolen: readonly Stolen[]): {
  readonly base64url: readonly string[];
  readonly hex: readonly string[];
} {
  const all = stolen.map(textOf);
  const alone = (pattern: RegExp): readonly string[] => [
    ...new Set(all.flatMap((text) => text.match(pattern) ?? [])),
  ];
  return {
    base64url: alone(/(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g),
    hex: alone(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g),
  };
}

/** Every 64 hex digits: SQLite writes one text after the other. */
export function hexAnywhere(stolen: readonly Stolen[]): readonly string[] {
  return stolen.flatMap((one) => windows(textOf(one), /[0-9a-f]{64,}/g, 64));
}

/** Every 32 bytes at all: as they are, in base64url, in hex, at whatever place. */
export function anything(stolen: readonly Stolen[]): readonly Buffer[] {
  return [
    ...stolen.flatMap(({ bytes }) => findRandom(bytes, 32)),
    ...stolen
      .flatMap((one) => windows(textOf(one), /[A-Za-z0-9_-]{43,}/g, 43))
      .map((text) => Buffer.from(text, "base64url")),
    ...hexAnywhere(stolen).map((text) => Buffer.from(text, "hex")),
  ];
}

function textOf({ file, bytes }: Stolen): string {
  return `${file}\n${bytes.toString("latin1")}`;
}

function windows(text: string, runs: RegExp, length: number): readonly string[] {
  return (text.match(runs) ?? []).flatMap((run) =>
    Array.from({ length: run.length - length + 1 }, (_, at) => run.slice(at, at + length)),
  );
}

/**
 * Every `length` bytes that may be random, at whatever offset: an eighth of them are above 127, which
 * text and numbers do not have and random bytes lack once in a million times.
 */
export function findRandom(bytes: Buffer, length: number): readonly Buffer[] {
  const found: Buffer[] = [];
  const high = (at: number): number => ((bytes[at] ?? 0) > 127 ? 1 : 0);
  let count = 0;
  for (let end = 0; end < bytes.length; end += 1) {
    const start = end - length + 1;
    count += high(end) - (start > 0 ? high(start - 1) : 0);
    if (start >= 0 && count >= length / 8) found.push(bytes.subarray(start, end + 1));
  }
  return found;
}
