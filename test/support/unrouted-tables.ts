/** Whether a statement tells a cluster where to send it: by the bucket of every table that it names. */

/** What may stand after a table's name and is no alias of it. */
const NO_ALIAS =
  'on|where|set|select|values|join|left|right|inner|cross|order|group|limit|for|using|returning|union|default';

/** Those of `tables` that `text` reads or writes without naming their bucket, once for each place. */
export function unroutedTables(text: string, tables: readonly string[]): string[] {
  const named = new RegExp(
    `\\b(into|from|join|update|using)\\s+(?:only\\s+)?(?:\\w+\\.)?(${tables.join('|')})\\b` +
      `(?:\\s+(?:as\\s+)?(?!(?:${NO_ALIAS})\\b)(\\w+))?(\\s*\\([^)]*\\))?`,
    'gi',
  );
  const unrouted: string[] = [];
  for (const match of text.matchAll(named)) {
    const [all, verb = '', table = '', alias, columns = ''] = match;
    const behind = text.slice(match.index + all.length).split(NEXT_TABLE, 1)[0] ?? '';
    const isRouted =
      verb.toLowerCase() === 'into'
        ? /\bbucket\b/.test(columns)
        : comparesBucket(text, `\\b${alias ?? table}\\.bucket`) ||
          comparesBucket(behind, '(?<![.\\w])bucket');
    if (!isRouted) unrouted.push(table);
  }
  return unrouted;
}

/** Up to here a bucket without a table in front of it belongs to the table before. */
const NEXT_TABLE = /\b(?:into|from|join|update|using)\b/i;

/** Whether a bucket is compared with a value, or leads a list that is. */
function comparesBucket(text: string, column: string): boolean {
  return new RegExp(
    `${column}\\s*(?:=|in\\b)|=\\s*${column}\\b|\\(${column}\\s*,[^)]*\\)\\s*(?:=|in\\b)`,
    'i',
  ).test(text);
}
