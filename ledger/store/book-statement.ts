/**
 * Statements about several books at once. Each of them is written once and sent in one of two forms: where the books
 * are in several buckets the bucket is a column of what is wanted; where all are in one it is the first parameter. On a
 * cluster the second is the only one that says to which node it goes, and the posting path takes care there that no
 * transaction needs the first.
 */
import { arrayParameter } from './array-parameter.ts';
import type { RunSql, Statement } from './run-sql.ts';

export interface BookKey {
  readonly bucket: number;
  readonly accountId: bigint;
}

export interface BookStatement {
  readonly ofBuckets: Statement;
  readonly ofOneBucket: Statement;
}

/**
 * A statement that is given the rows it is about as `wanted`, with the column `account_id` and those of `columns`.
 * @param columns Their types, by name. They are the parameters from $3 on; other parameters come behind them.
 * @param write The text, from what stands for the wanted rows after `from` or `join`, and for their bucket.
 */
export function bookStatement(
  name: string,
  columns: Readonly<Record<string, string>>,
  write: (wanted: string, bucket: string) => string,
): BookStatement {
  // Unnested where it is selected, a row is made when it is asked for; in `from` all would be made first and kept.
  const unnested = Object.entries({ account_id: 'bigint', ...columns })
    .map(([column, type], index) => `unnest($${index + 2}::${type}[]) as ${column}`)
    .join(', ');
  return {
    ofBuckets: {
      name,
      text: write(`(select unnest($1::smallint[]) as bucket, ${unnested}) as wanted`, 'wanted.bucket'),
    },
    ofOneBucket: {
      name: `${name}_of_bucket`,
      text: write(`(select ${unnested}) as wanted`, '$1::smallint'),
    },
  };
}

/** Runs `statement` about `keys`, which are at least one; `values` are the parameters from $3 on. */
export async function runAbout<Row>(
  run: RunSql,
  statement: BookStatement,
  keys: readonly BookKey[],
  ...values: readonly unknown[]
): Promise<Row[]> {
  const bucket = oneBucketOf(keys);
  const accountIds = arrayParameter(
    'bigint',
    keys.map(key => key.accountId),
  );
  if (bucket !== null) return await run<Row>(statement.ofOneBucket, [bucket, accountIds, ...values]);
  const buckets = arrayParameter(
    'smallint',
    keys.map(key => key.bucket),
  );
  return await run<Row>(statement.ofBuckets, [buckets, accountIds, ...values]);
}

/** The bucket that all of them are in; null where they are in several. */
export function oneBucketOf(keys: readonly BookKey[]): number | null {
  const bucket = keys[0]?.bucket ?? null;
  return keys.every(key => key.bucket === bucket) ? bucket : null;
}
