/** Whether a statement tells a cluster where to send it: by a parameter for the bucket of every table that it names. */

/** What may stand after a table's name and is no alias of it. */
const NO_ALIAS =
  'on|where|set|select|values|join|left|right|inner|cross|order|group|limit|for|using|returning|union|default';
/** Up to here a bucket without a table in front of it belongs to the table before. */
const NEXT_TABLE = /\b(?:into|from|join|update|using)\b/i;
/** The values of an insert, of which the bucket is the first. */
const FIRST_IS_PARAMETER = /^\s*(?:values\s*\(|select)\s*\$\d/i;

/** Those of `tables` that `text` reads or writes without a parameter for their bucket, once for each place. */
export function unroutedTables(text: string, tables: readonly string[]): string[] {
  const plain = text.replaceAll('"', '');
  const named = new RegExp(
    `\\b(into|from|join|update|using)\\s+(?:only\\s+)?(?:\\w+\\.)?(${tables.join('|')})\\b` +
      `(?:\\s+(?:as\\s+)?(?!(?:${NO_ALIAS})\\b)(\\w+))?(\\s*\\([^)]*\\))?`,
    'gi',
  );
  const unrouted: string[] = [];
  for (const match of plain.matchAll(named)) {
    const [all, verb = '', table = '', alias, columns = ''] = match;
    const behind = plain.slice(match.index + all.length);
    const isRouted =
      verb.toLowerCase() === 'into'
        ? /^\s*\(\s*bucket\b/i.test(columns) && FIRST_IS_PARAMETER.test(behind)
        : isParameter(plain, `\\b${alias ?? table}\\.bucket`) ||
          isParameter(behind.split(NEXT_TABLE, 1)[0] ?? '', '(?<![.\\w])bucket');
    if (!isRouted) unrouted.push(table);
  }
  return unrouted;
}

/** Whether the bucket must equal a parameter. */
function isParameter(text: string, column: string): boolean {
  return new RegExp(`${column}\\s*=\\s*\\$\\d`, 'i').test(text);
}
