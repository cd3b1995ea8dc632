/** A moment in words: in the reader's own time zone and in UTC, so that two people can compare. */

/**
 * @param text RFC 3339; any other text is given back as it is
 * @param zone an IANA time zone; the reader's own unless given
 */
export function moment(text: string, zone = ownZone()): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) return text;
  const utc = { day: day(time, "UTC"), clock: clock(time, "UTC") };
  if (zone === "UTC") return `${utc.day} at ${utc.clock} UTC`;
  const own = { day: day(time, zone), clock: clock(time, zone) };
  const there = own.day === utc.day ? utc.clock : `${utc.day} at ${utc.clock}`;
  return `${own.day} at ${own.clock} your time (${zone}), ${there} UTC`;
}

function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function day(time: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone }).format(time);
}

function clock(time: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone }).format(time);
}
