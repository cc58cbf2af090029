/** Spreading the ledger over the nodes of a Citus cluster. */
import type pg from 'pg';
import { AccountCodes } from '../store/account-codes.ts';
import { readReferences, readTables } from '../store/catalog.ts';
import { countNodes, missingOfCitus, readCitusTables } from '../store/citus.ts';
import { pendingMigrations } from '../store/migrate.ts';
import { LEDGER_SCHEMA, openKysely, openPool } from '../store/postgres.ts';
import { type DistributionPlan, planDistribution } from './distribution-plan.ts';
import { whyNotPostable } from './posting-probe.ts';

export interface DistributeOptions {
  /** The owner's, on the coordinator. */
  readonly databaseUrl: string;
  readonly schema?: string;
  /** Distributes even when this version could not post afterwards. */
  readonly force?: boolean;
}

export type Distribution =
  /** `notPostable` is why posting will fail, which only `force` lets pass. */
  | { readonly status: 'distributed'; readonly plan: DistributionPlan; readonly notPostable: string | null }
  | { readonly status: 'done_before'; readonly plan: DistributionPlan; readonly nodeCount: number }
  /** Nothing was changed, for these reasons. */
  | { readonly status: 'refused'; readonly reasons: readonly string[] };

/** What is to be done and what is missing for it. Changes nothing. Throws when migrations are pending. */
export async function previewDistribution(
  options: Omit<DistributeOptions, 'force'>,
): Promise<{ plan: DistributionPlan; missing: readonly string[] }> {
  return await onDatabase(options, async client => ({
    plan: await readPlan(client, options.schema ?? LEDGER_SCHEMA),
    missing: await missingOfCitus(client),
  }));
}

/**
 * Makes the tables with a bucket distributed tables that lie together, and copies of the small ones on every node, in
 * one transaction: all or nothing. Refuses when something is missing, when a table cannot be distributed, and when
 * the statements that post do not run on the result. Repeating it takes in what was added since, or changes nothing.
 * Throws when migrations are pending.
 */
export async function distribute(options: DistributeOptions): Promise<Distribution> {
  return await onDatabase(options, async (client, codes) => {
    const missing = await missingOfCitus(client);
    await client.query('begin');
    try {
      // Two at once would both find nothing done.
      await client.query(`select pg_advisory_xact_lock(hashtext('credits distribute'))`);
      const plan = await readPlan(client, options.schema ?? LEDGER_SCHEMA);
      const outcome = await carryOut(client, codes, plan, missing, options.force ?? false);
      await client.query(outcome.status === 'distributed' ? 'commit' : 'rollback');
      return outcome;
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    }
  });
}

async function carryOut(
  client: pg.ClientBase,
  codes: AccountCodes,
  plan: DistributionPlan,
  missing: readonly string[],
  force: boolean,
): Promise<Distribution> {
  const reasons = [...missing, ...plan.problems];
  if (reasons.length > 0) return { status: 'refused', reasons };
  if (plan.statements.length === 0)
    return { status: 'done_before', plan, nodeCount: await countNodes(client) };
  for (const statement of plan.statements) await client.query(statement);
  const notPostable = await whyNotPostable(client, codes);
  if (notPostable !== null && !force) return { status: 'refused', reasons: [notPostable] };
  return { status: 'distributed', plan, notPostable };
}

async function readPlan(client: pg.ClientBase, schema: string): Promise<DistributionPlan> {
  return planDistribution({
    schema,
    tables: await readTables(client),
    references: await readReferences(client),
    citusTables: await readCitusTables(client),
  });
}

async function onDatabase<Result>(
  options: { readonly databaseUrl: string; readonly schema?: string },
  work: (client: pg.ClientBase, codes: AccountCodes) => Promise<Result>,
): Promise<Result> {
  // A migration that comes later would find tables that are not as it expects.
  if ((await pendingMigrations(options.databaseUrl, options.schema)).length > 0)
    throw new Error('The database is not up to date: run `npm run migrate` first.');
  const pool = openPool({
    ...options,
    max: 1,
    // As the posting path does, which is tried on it.
    pipeline: true,
    applicationName: 'credits-distribute',
    // Rows that are there already are copied to the nodes, which takes as long as it takes.
    queryTimeoutMs: 0,
  });
  try {
    // Before the transaction, which will hold the chart's table for itself.
    const codes = await AccountCodes.load(openKysely(pool));
    const client = await pool.connect();
    try {
      return await work(client, codes);
    } finally {
      client.release(true);
    }
  } finally {
    await pool.end();
  }
}
