import type pg from 'pg';

export type Progress = {
  /** Whether Ponder calls itself ready. */
  ready: boolean;
  checkpoint: string;
  /** The newest block that Ponder has; -1 for none. */
  blockNumber: bigint;
  /** Up to here Ponder keeps what it has for good; -1 for nothing. */
  keptBlock: bigint;
  /** The first table or view of Ponder's that is not there; undefined when all are. */
  missing: string | undefined;
};

/** How far Ponder is, and whether all that it works with is there. */
export async function readProgress(
  client: pg.Client,
  { schema, viewsSchema }: { schema: string; viewsSchema: string },
): Promise<Progress> {
  const tables = [`"${schema}"._ponder_checkpoint`, `"${schema}"._ponder_meta`, `"${schema}".transfer`];
  const others = ['transfer', '_ponder_checkpoint', '_ponder_meta'].map(view => `"${viewsSchema}".${view}`);
  const missing = await firstMissing(client, [...tables, ...others, 'ponder_sync.intervals']);
  const nothing = { ready: false, checkpoint: '', blockNumber: -1n, keptBlock: -1n, missing };
  if (missing !== undefined && tables.includes(missing)) return nothing;
  const { rows } = await client.query<{ ready: boolean; checkpoint: string; kept: string }>(
    `SELECT m.value->>'is_ready' = '1' AS ready, c.latest_checkpoint AS checkpoint, c.finalized_checkpoint AS kept
       FROM "${schema}"._ponder_checkpoint c, "${schema}"._ponder_meta m`,
  );
  const row = rows[0];
  if (!row) return nothing;
  const { ready, checkpoint, kept } = row;
  return { ready, checkpoint, blockNumber: blockOf(checkpoint), keptBlock: blockOf(kept), missing };
}

/** A checkpoint is digits at fixed places: timestamp 10, chain id 16, block number 16, and the event in the block. */
function blockOf(checkpoint: string): bigint {
  return BigInt(checkpoint.slice(26, 42));
}

async function firstMissing(client: pg.Client, names: string[]): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
      WHERE to_regclass(name) IS NULL ORDER BY place LIMIT 1`,
    [names],
  );
  return rows[0]?.name;
}

/** Whether there is a table or a view of this name. */
export async function exists(client: pg.Client, name: string): Promise<boolean> {
  return (await firstMissing(client, [name])) === undefined;
}
