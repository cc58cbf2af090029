import type { Instant } from '../core/instant.ts';

/** The instant as PostgreSQL and JSON read it, to the microsecond: `2026-03-01T15:00:00.000001Z`. */
export function instantText(instant: Instant): string {
  const micros = ((instant % 1000n) + 1000n) % 1000n;
  const milliseconds = Number((instant - micros) / 1000n);
  // Date keeps milliseconds only, so the microseconds are put in behind it.
  const text = new Date(milliseconds).toISOString();
  return `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

const TIMESTAMP =
  /^(\d{4,6})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|([+-])(\d\d)(?::?(\d\d))?)$/;

/**
 * Reads a timestamp with a zone, exactly: PostgreSQL's `2026-03-01 15:00:00.000001+00` and ISO 8601.
 * Throws on anything else, a local time included.
 */
export function parseInstant(text: string): Instant {
  const match = TIMESTAMP.exec(text);
  if (!match) throw new Error(`not a timestamp with a zone: ${text}`);
  const [, year, month, day, hour, minute, second, fraction = '', sign, zoneHours, zoneMinutes = '0'] = match;
  const fields = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const milliseconds = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  // Date.UTC makes another instant of a date that does not exist.
  if (new Date(milliseconds).toISOString().slice(0, fields.length) !== fields)
    throw new Error(`not a timestamp with a zone: ${text}`);
  const offsetMinutes = sign ? Number(zoneHours) * 60 + Number(zoneMinutes) : 0;
  const offset = BigInt(sign === '-' ? offsetMinutes : -offsetMinutes) * 60_000_000n;
  return BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0')) + offset;
}
