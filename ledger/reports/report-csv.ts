import { csvLine } from '../store/csv-line.ts';
import { instantText } from '../store/instant-text.ts';
import type { Report } from './report.ts';

const AMOUNTS = [
  ...(['paid', 'returned', 'byTime', 'byUse', 'breakage', 'settled', 'closed'] as const),
  ...(['recognised', 'refunded', 'deferred', 'fees'] as const),
] as const;

/** The days of a report as CSV: amounts in micro-dollars. */
export function reportCsv({ days }: Pick<Report, 'days'>): string {
  const names = AMOUNTS.map(
    name => `${name.replace(/[A-Z]/g, capital => `_${capital.toLowerCase()}`)}_microusd`,
  );
  return [
    csvLine(['day', ...names]),
    ...days.map(day => csvLine([instantText(day.day).slice(0, 10), ...AMOUNTS.map(name => day[name])])),
  ].join('');
}
