import type pg from 'pg';

/**
 * Does `work` while the database has been tampered with by `statement`, as its owner could who switches the guards off;
 * afterwards the `tables` are as they were.
 */
export async function whilePlanted<Result>(
  owner: pg.Pool,
  { statement, tables }: { readonly statement: string; readonly tables: readonly string[] },
  work: () => Promise<Result>,
): Promise<Result> {
  const unguarded = (text: string) =>
    owner.query(`begin; set local session_replication_role = 'replica'; ${text}; commit`);
  await unguarded(tables.map(table => `create table kept_${table} as table ${table}`).join(';'));
  try {
    await unguarded(statement);
    return await work();
  } finally {
    await unguarded(
      tables
        .map(
          table =>
            `delete from ${table}; insert into ${table} select * from kept_${table}; drop table kept_${table}`,
        )
        .join(';'),
    );
  }
}
