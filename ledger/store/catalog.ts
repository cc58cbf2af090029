/** What PostgreSQL's catalog says of the ledger's tables: as much as decides where each belongs in a cluster. */
import type pg from 'pg';

export interface CatalogTable {
  readonly name: string;
  /** The type of its column `bucket`; null when it has none. */
  readonly bucketType: string | null;
  /** Its unique indexes and exclusion constraints that do not have the bucket among their key columns. */
  readonly uniqueWithoutBucket: readonly string[];
  readonly hasTriggers: boolean;
  /** Whether the application's role may change anything in it. */
  readonly isWrittenByApplication: boolean;
}

export interface CatalogReference {
  readonly constraint: string;
  readonly from: string;
  readonly to: string;
  /** Whether it pairs the bucket of one table with that of the other. */
  readonly pairsBuckets: boolean;
}

/** The tables of the connection's schema, by name. Partitions go where their table goes and are left out. */
export async function readTables(client: pg.ClientBase): Promise<CatalogTable[]> {
  const { rows } = await client.query<{
    name: string;
    bucket_type: string | null;
    unique_without_bucket: string[];
    has_triggers: boolean;
    written: boolean;
  }>(`
    select c.relname::text as name,
      (select format_type(a.atttypid, a.atttypmod) from pg_attribute a
        where a.attrelid = c.oid and a.attname = 'bucket' and not a.attisdropped) as bucket_type,
      array(
        select index.relname::text from pg_index i join pg_class index on index.oid = i.indexrelid
        where i.indrelid = c.oid and (i.indisunique or i.indisexclusion) and not exists (
          -- the columns behind the keys are only included
          select from unnest(i.indkey) with ordinality as key (attnum, position)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = key.attnum
          where key.position <= i.indnkeyatts and a.attname = 'bucket')
        order by index.relname) as unique_without_bucket,
      exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as has_triggers,
      has_table_privilege('credits_app', c.oid, 'insert, update, delete') as written
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname`);
  return rows.map(row => ({
    name: row.name,
    bucketType: row.bucket_type,
    uniqueWithoutBucket: row.unique_without_bucket,
    hasTriggers: row.has_triggers,
    isWrittenByApplication: row.written,
  }));
}

/** The foreign keys between tables of the connection's schema. */
export async function readReferences(client: pg.ClientBase): Promise<CatalogReference[]> {
  const { rows } = await client.query<{ name: string; from: string; to: string; pairs: boolean }>(`
    select k.conname::text as name, referring.relname::text as from, referred.relname::text as to,
      exists (
        select from unnest(k.conkey, k.confkey) as pair (here, there)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.here
        join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.there
        where a.attname = 'bucket' and b.attname = 'bucket') as pairs
    from pg_constraint k
    join pg_class referring on referring.oid = k.conrelid
    join pg_class referred on referred.oid = k.confrelid
    where k.contype = 'f' and k.connamespace = current_schema()::regnamespace
    order by k.conname`);
  return rows.map(row => ({ constraint: row.name, from: row.from, to: row.to, pairsBuckets: row.pairs }));
}
