/** What there is of Citus, the extension that spreads tables over PostgreSQL servers. */
import type pg from 'pg';

/** How a table stands in Citus' own catalog. Tables that it does not know are plain ones of this server. */
export interface CitusTable {
  readonly name: string;
  readonly kind: 'distributed' | 'reference' | 'local';
  /** The column it is distributed on. */
  readonly column: string | null;
  /** Tables with the same number keep equal values of that column on the same node. */
  readonly colocationId: number;
}

/** What Citus still needs before it can take the ledger, a sentence each that says what to do; empty when ready. */
export async function missingOfCitus(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ is_available: boolean; is_installed: boolean }>(`
    select exists (select from pg_available_extensions where name = 'citus') as is_available,
      exists (select from pg_extension where extname = 'citus') as is_installed`);
  const [extension] = rows;
  if (!extension?.is_installed) {
    return extension?.is_available
      ? [
          'The extension citus is on the server but not in this database: run `create extension citus` in it as a ' +
            'superuser, here and in the database of the same name on every worker node.',
        ]
      : [
          'The server has no extension citus: install its package for this version of PostgreSQL on every node, put ' +
            'citus first in shared_preload_libraries, restart, and run `create extension citus` in this database.',
        ];
  }
  const { rows: groups } = await client.query<{ is_worker: boolean }>(
    'select groupid <> 0 as is_worker from pg_catalog.pg_dist_local_group',
  );
  if (groups[0]?.is_worker)
    return ['This server is a worker node: set DATABASE_URL to the database on the coordinator.'];
  if ((await countNodes(client)) === 0)
    return [
      "No worker node holds shards: add each with `select citus_add_node('<host>', <port>)` on the coordinator.",
    ];
  return await missingRoles(client);
}

/** How many nodes may hold shards. */
export async function countNodes(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ count: number }>(`
    select count(*)::integer as count from pg_catalog.pg_dist_node
    where isactive and shouldhaveshards and noderole = 'primary'`);
  return rows[0]?.count ?? 0;
}

/**
 * Citus gives each shard the rights of its table, which fails on a node that does not know a role; and what the
 * parts do on the coordinator in their roles, Citus does on the workers by logging in to them in the same roles.
 */
async function missingRoles(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ node: string; success: boolean; result: string }>(`
    select format('%s:%s', nodename, nodeport) as node, success, result from run_command_on_workers(
      $$ select count(*) from pg_roles
        where rolname in ('credits_api', 'credits_worker', 'credits_app') and rolcanlogin
          or rolname in ('credits_indexer', 'credits_auditor') $$)`);
  return rows.flatMap(({ node, success, result }) => {
    if (!success) return [`The worker node ${node} does not answer: ${result}`];
    if (result === '5') return [];
    return [
      `The worker node ${node} lacks the role credits_indexer or credits_auditor, or one of credits_api, ` +
        'credits_worker and credits_app with the right to log in, as which the coordinator comes to it: see docs/scaling.md, "Preparing a cluster".',
    ];
  });
}

/** What Citus has made of the tables of the connection's schema so far; nothing where there is no Citus. */
export async function readCitusTables(client: pg.ClientBase | pg.Pool): Promise<CitusTable[]> {
  const { rows: found } = await client.query<{ is_there: boolean }>(
    `select to_regclass('pg_catalog.pg_dist_partition') is not null as is_there`,
  );
  if (!found[0]?.is_there) return [];
  // A table without a column to distribute on is copied to all nodes (t) or only known to Citus (s).
  const { rows } = await client.query<{
    name: string;
    kind: CitusTable['kind'];
    column: string | null;
    colocation: number;
  }>(`
    select c.relname::text as name, p.colocationid::integer as colocation,
      case when p.partmethod <> 'n' then 'distributed' when p.repmodel = 't' then 'reference' else 'local' end as kind,
      case when p.partmethod <> 'n' then column_to_column_name(p.logicalrelid, p.partkey) end as column
    from pg_catalog.pg_dist_partition p join pg_class c on c.oid = p.logicalrelid
    where c.relnamespace = current_schema()::regnamespace
    order by c.relname`);
  return rows.map(row => ({
    name: row.name,
    kind: row.kind,
    column: row.column,
    colocationId: row.colocation,
  }));
}

/** Whether the ledger of the connection's schema is spread over a cluster: every transaction must be of one bucket then. */
export async function isDistributed(client: pg.ClientBase | pg.Pool): Promise<boolean> {
  return (await readCitusTables(client)).some(({ name, kind }) => name === 'books' && kind === 'distributed');
}
