/** Cells as RFC 4180 has them, which no spreadsheet takes for a formula. */
import type { Instant } from '../core/instant.ts';
import { instantText } from './instant-text.ts';

export type CsvValue = string | number | bigint | boolean | null;

/** A row of values, ended as RFC 4180 wants it. Null is an empty cell. */
export function csvLine(values: readonly CsvValue[]): string {
  return `${values.map(csvCell).join(',')}\r\n`;
}

function csvCell(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  // Spreadsheets carry out what begins like a formula; an apostrophe makes it text (OWASP, "CSV Injection").
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The instant as every export has it, null as an empty cell. */
export function csvInstant(instant: Instant | null): string | null {
  return instant === null ? null : instantText(instant);
}
