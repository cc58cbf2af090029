import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { parseInstant } from './instant-text.ts';
import type { Tables } from './tables.ts';

/** The schema of the ledger's tables. Replay uses another one with the same names in it. */
export const LEDGER_SCHEMA = 'credits';

/**
 * The roles of the parts, each with what its part needs. `credits_app` is the API and the worker in one; `credits_auditor`
 * only reads.
 */
export type DatabaseRole =
  | 'credits_api'
  | 'credits_worker'
  | 'credits_app'
  | 'credits_indexer'
  | 'credits_auditor';

export interface PoolOptions {
  readonly databaseUrl: string;
  /** The role whose privileges the connections have; without it those of the URL's user. */
  readonly role?: DatabaseRole;
  readonly schema?: string;
  readonly max: number;
  /** Sends statements without waiting for the answers to those before: for the posting path. */
  readonly pipeline?: boolean;
  readonly applicationName?: string;
  /** A query that takes longer fails, its connection with it; 60 s when left out. */
  readonly queryTimeoutMs?: number;
}

const bigintArray = (text: string): bigint[] =>
  text === '{}' ? [] : text.slice(1, -1).split(',').map(BigInt);

/** int8 and numeric as bigint, timestamptz as microseconds; everything else as pg has it. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  20: BigInt,
  1700: BigInt,
  1016: bigintArray,
  1231: bigintArray,
  1184: parseInstant,
};

const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    const own = format === 'binary' ? undefined : PARSERS[oid];
    return own ?? pg.types.getTypeParser(oid, format);
  },
};

/**
 * What a batch reads and writes is named by its keys, and a look-up in an index is right however little PostgreSQL knows
 * of tables that grow quickly. A plan that goes through a table, made while it was short, would stay in use.
 */
const LOOKED_UP_BY_KEY = [
  '-c enable_seqscan=off',
  '-c enable_bitmapscan=off',
  '-c enable_hashjoin=off',
  '-c enable_mergejoin=off',
  '-c plan_cache_mode=force_generic_plan',
];

/**
 * A pool of connections to the ledger's database, in UTC and in the ledger's schema. A connection lost while
 * idle is replaced without a word; one lost in use fails its query.
 */
export function openPool(options: PoolOptions): pg.Pool {
  const { role, schema = LEDGER_SCHEMA } = options;
  const settings = [
    `-c search_path=${schema}`,
    '-c timezone=UTC',
    // A reader that hangs in a transaction would keep the indexer from replacing its views.
    '-c idle_in_transaction_session_timeout=60s',
    ...(options.pipeline ? LOOKED_UP_BY_KEY : []),
    ...(role ? [`-c role=${role}`] : []),
  ];
  const pool = new pg.Pool({
    connectionString: withServerSettings(options.databaseUrl, settings),
    max: options.max,
    // A server that is gone without a word must not hold its callers for minutes.
    keepAlive: true,
    query_timeout: options.queryTimeoutMs ?? 60_000,
    types,
    connectionTimeoutMillis: 5000,
    application_name: options.applicationName ?? 'credits',
    ...(options.pipeline ? { pipeline: true } : {}),
  });
  pool.on('error', () => {});
  // A connection that breaks while it is in use says so to its query; unheard, its own event would end the process.
  pool.on('connect', client => client.on('error', () => {}));
  return pool;
}

/**
 * The URL with `settings` (`-c name=value`) for the server added to those it may carry: pg would let the URL's own
 * replace ours, the role among them.
 */
export function withServerSettings(databaseUrl: string, settings: readonly string[]): string {
  const url = new URL(databaseUrl);
  const given = url.searchParams.get('options');
  url.searchParams.set('options', [...(given === null ? [] : [given]), ...settings].join(' '));
  // Not everybody who reads it takes a plus for a space.
  return url.href.replaceAll('+', '%20');
}

/** The same pool through Kysely's query builder, typed by the ledger's tables. */
export function openKysely(pool: pg.Pool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}
