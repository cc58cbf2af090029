import { DAY, type Instant } from '../core/instant.ts';

/** The instant as PostgreSQL and JSON read it, to the microsecond: `2026-03-01T15:00:00.000001Z`. */
export function instantText(instant: Instant): string {
  const ofDay = ((instant % DAY) + DAY) % DAY;
  // Less than a day in microseconds, which a number holds exactly.
  const micros = Number(ofDay);
  const seconds = Math.floor(micros / 1_000_000);
  const hour = padded(Math.floor(seconds / 3600));
  const minute = padded(Math.floor(seconds / 60) % 60);
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return `${dateText(instant - ofDay)}T${hour}:${minute}:${padded(seconds % 60)}.${fraction}Z`;
}

const padded = (value: number) => (value < 10 ? `0${value}` : String(value));

/** The days that were asked for last: instants of a batch are of a few. */
const DAYS_MAX = 1000;
const dates = new Map<Instant, string>();
const midnights = new Map<string, Instant>();

function dateText(midnight: Instant): string {
  const known = dates.get(midnight);
  if (known !== undefined) return known;
  const [date = ''] = new Date(Number(midnight / 1000n)).toISOString().split('T');
  if (dates.size >= DAYS_MAX) dates.clear();
  dates.set(midnight, date);
  return date;
}

const TIMESTAMP =
  /^(\d{4,6})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|([+-])(\d\d)(?::?(\d\d))?)$/;

/**
 * Reads a timestamp with a zone, exactly: PostgreSQL's `2026-03-01 15:00:00.000001+00` and ISO 8601.
 * Throws on anything else, a local time included.
 */
export function parseInstant(text: string): Instant {
  const instant = parseInUtc(text) ?? parseInAnyZone(text);
  if (instant === null) throw new Error(`not a timestamp with a zone: ${text}`);
  return instant;
}

/** What PostgreSQL writes in UTC, and that is nearly all that is read, has its digits in fixed places; null for others. */
function parseInUtc(text: string): Instant | null {
  if (text[10] !== ' ' || text[13] !== ':' || text[16] !== ':' || !text.endsWith('+00')) return null;
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  let micros = 0;
  if (text.length > 22) {
    const places = text.length - 23;
    if (text[19] !== '.' || places < 1 || places > 6) return null;
    micros = digits(text, 20, 20 + places) * 10 ** (6 - places);
  }
  const ofDay = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
  // Not a number where a digit was none.
  if (!(hour < 24 && minute < 60 && second < 60 && ofDay >= 0)) return null;
  const midnight = midnightOf(text.slice(0, 10));
  return midnight === null ? null : midnight + BigInt(ofDay);
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let index = from; index < to; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : Number.NaN;
  }
  return value;
}

function midnightOf(date: string): Instant | null {
  const known = midnights.get(date);
  if (known !== undefined) return known;
  const midnight = parseInAnyZone(`${date} 00:00:00Z`);
  if (midnight === null) return null;
  if (midnights.size >= DAYS_MAX) midnights.clear();
  midnights.set(date, midnight);
  return midnight;
}

function parseInAnyZone(text: string): Instant | null {
  const match = TIMESTAMP.exec(text);
  if (!match) return null;
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
  if (new Date(milliseconds).toISOString().slice(0, fields.length) !== fields) return null;
  const offsetMinutes = sign ? Number(zoneHours) * 60 + Number(zoneMinutes) : 0;
  const offset = BigInt(sign === '-' ? offsetMinutes : -offsetMinutes) * 60_000_000n;
  return BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0')) + offset;
}
