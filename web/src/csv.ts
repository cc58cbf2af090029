/** Comma-separated values (RFC 4180) that no spreadsheet runs as a formula. */
export function csvOf(rows: readonly (readonly (string | null)[])[]): string {
  return rows.map(row => `${row.map(cell => field(cell ?? '')).join(',')}\r\n`).join('');
}

function field(text: string): string {
  const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
