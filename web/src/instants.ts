/** Instants as the API tells them, for people. */
const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** In the reader's own time zone. */
export function localTime(instant: string): string {
  return LOCAL.format(new Date(instant));
}

/** "2026-03-01 15:00:00 UTC". */
export function utcTime(instant: string): string {
  return `${instant.slice(0, 19).replace('T', ' ')} UTC`;
}

/** "3 d 04 h", or "04 h 05 min 06 s" within a day; "now" when it is over. */
export function timeLeft(untilMs: number, nowMs: number): string {
  const seconds = Math.floor((untilMs - nowMs) / 1000);
  if (seconds <= 0) return 'now';
  const two = (count: number) => String(count).padStart(2, '0');
  const hours = two(Math.floor(seconds / 3600) % 24);
  const days = Math.floor(seconds / 86_400);
  if (days > 0) return `${days} d ${hours} h`;
  return `${hours} h ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} s`;
}

/** "9 min 58 s", for what is over soon. */
export function minutesLeft(untilMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((untilMs - nowMs) / 1000));
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** The days in UTC from one instant up to another, as YYYY-MM-DD. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let day = Date.parse(`${from.slice(0, 10)}T00:00:00Z`); day < Date.parse(to); day += 86_400_000)
    days.push(new Date(day).toISOString().slice(0, 10));
  return days;
}

/** How long a span is, in its two largest units at the most: "3 d 4 h", "12 min 5 s". */
export function shownSpan(seconds: number): string {
  const whole = Math.floor(seconds);
  const units = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return units
    .slice(first, first + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
