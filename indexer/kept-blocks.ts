/**
 * What Ponder keeps for good, compared with the chain.
 *
 * Ponder takes a block for final when it is 30 deep, and never looks at it again: its rows and its cache (`ponder_sync`)
 * stay as they are when a deeper reorg replaces it, whether Ponder runs then or not. So the supervisor writes down the
 * hash of each block that Ponder has come to keep, one for about every 30, and compares them with the chain. Where one
 * differs, everything that Ponder keeps above the last that does not is deleted, and Ponder fetches it anew. That is
 * written down for those who read the views, until they have taken note of it: nobody else can know what Ponder had kept.
 */
import type pg from 'pg';
import { blockHash, chainHead } from './chain-head.ts';

/** So many are remembered, of the newest 30,000 blocks: half a day of Base. A deeper reorg means starting over. */
const REMEMBERED_MAX = 1_000;

export type Comparison =
  | { status: 'agrees' }
  /** The RPC does not answer. */
  | { status: 'unknown' }
  /** The RPC does not have the newest blocks, and has this one as it was: it lags, or the chain went back. */
  | { status: 'behind'; after: bigint }
  /** Everything after this block was replaced; -1 for all there is. */
  | { status: 'replaced'; after: bigint };

export class KeptBlocks {
  readonly #client: pg.Client;
  readonly #rpcUrl: string;
  readonly #release: string;
  readonly #reader: string | undefined;
  #newest: bigint | undefined;

  /**
   * @param schema The schema of the release that keeps them.
   * @param reader The role that takes note of deep reorgs.
   */
  constructor(
    client: pg.Client,
    { rpcUrl, schema, reader }: { rpcUrl: string; schema: string; reader?: string | undefined },
  ) {
    this.#client = client;
    this.#rpcUrl = rpcUrl;
    this.#release = schema;
    this.#reader = reader;
  }

  /** Makes the tables, in a schema of their own: it outlives the schemas that it watches over. */
  async prepare(): Promise<void> {
    await this.#client.query(`
      CREATE SCHEMA IF NOT EXISTS indexer_memory;
      CREATE TABLE IF NOT EXISTS indexer_memory.kept_blocks (
        release text NOT NULL, number bigint NOT NULL, hash text NOT NULL, PRIMARY KEY (release, number)
      );
      CREATE TABLE IF NOT EXISTS indexer_memory.deep_reorgs (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, after_block bigint NOT NULL, head_block bigint NOT NULL
      );
      ${this.#grants()}`);
    this.#newest = (await this.#read())[0]?.number;
  }

  #grants(): string {
    if (this.#reader === undefined) return '';
    return `GRANT USAGE ON SCHEMA indexer_memory TO "${this.#reader}";
      GRANT SELECT, DELETE ON indexer_memory.deep_reorgs TO "${this.#reader}"`;
  }

  /** Writes down that Ponder keeps everything up to this block, as the chain has it now. */
  async remember(number: bigint): Promise<void> {
    if (number <= (this.#newest ?? -1n)) return;
    const hash = await blockHash(this.#rpcUrl, number);
    if (!hash) return;
    await this.#client.query(
      'INSERT INTO indexer_memory.kept_blocks VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [this.#release, String(number), hash],
    );
    await this.#client.query(
      `DELETE FROM indexer_memory.kept_blocks WHERE release = $1 AND number <=
         (SELECT number FROM indexer_memory.kept_blocks WHERE release = $1 ORDER BY number DESC OFFSET $2 LIMIT 1)`,
      [this.#release, REMEMBERED_MAX],
    );
    this.#newest = number;
  }

  /**
   * Compares with the chain, from the newest block down to one that is as it was.
   * @param isNewestDoubtful Whether the newest was perhaps written down only after it had been replaced.
   */
  async compare(isNewestDoubtful = false): Promise<Comparison> {
    const remembered = await this.#read();
    let isBehind = false;
    let isReplaced = isNewestDoubtful && remembered.length > 0;
    for (const { number, hash } of isNewestDoubtful ? remembered.slice(1) : remembered) {
      const now = await blockHash(this.#rpcUrl, number);
      if (now === undefined) return { status: 'unknown' };
      if (now === null) isBehind = true;
      else if (now !== hash) isReplaced = true;
      else if (isReplaced) return { status: 'replaced', after: number };
      else return isBehind ? { status: 'behind', after: number } : { status: 'agrees' };
    }
    if (isReplaced) return { status: 'replaced', after: -1n };
    return isBehind ? { status: 'behind', after: -1n } : { status: 'agrees' };
  }

  /** Deletes all that Ponder keeps of the blocks after `block`. Nobody may be using this release. */
  async forget(chainId: number, block: bigint): Promise<void> {
    const head = (await chainHead(this.#rpcUrl)) ?? this.#newest ?? block;
    await this.#client.query('BEGIN');
    try {
      // Its rows are few and quickly made again out of the cache; what belongs to them only Ponder knows.
      await this.#client.query(`DROP SCHEMA IF EXISTS "${this.#release}" CASCADE`);
      await forgetCache(this.#client, chainId, block);
      await this.#client.query('DELETE FROM indexer_memory.kept_blocks WHERE release = $1 AND number > $2', [
        this.#release,
        String(block),
      ]);
      await this.#client.query(
        'INSERT INTO indexer_memory.deep_reorgs (after_block, head_block) VALUES ($1, $2)',
        [String(block), String(head)],
      );
      await this.#client.query('COMMIT');
    } catch (error) {
      await this.#client.query('ROLLBACK');
      throw error;
    }
    this.#newest = (await this.#read())[0]?.number;
  }

  async #read(): Promise<{ number: bigint; hash: string }[]> {
    const { rows } = await this.#client.query<{ number: string; hash: string }>(
      'SELECT number, hash FROM indexer_memory.kept_blocks WHERE release = $1 ORDER BY number DESC',
      [this.#release],
    );
    return rows.map(row => ({ number: BigInt(row.number), hash: row.hash }));
  }
}

/** The tables of Ponder's cache (0.16), each with the column that has the block. */
const CACHE_TABLES = [
  ['blocks', 'number'],
  ['transactions', 'block_number'],
  ['transaction_receipts', 'block_number'],
  ['logs', 'block_number'],
  ['traces', 'block_number'],
  ['rpc_request_results', 'block_number'],
  ['factory_addresses', 'block_number'],
] as const;

async function forgetCache(client: pg.Client, chainId: number, block: bigint): Promise<void> {
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('ponder_sync.intervals') IS NOT NULL AS found`,
  );
  if (!rows[0]?.found) return;
  for (const [table, column] of CACHE_TABLES)
    await client.query(`DELETE FROM ponder_sync.${table} WHERE chain_id = $1 AND ${column} > $2`, [
      chainId,
      String(block),
    ]);
  // What was fetched, as closed ranges that end one block later than they mean.
  await client.query(
    `UPDATE ponder_sync.intervals SET blocks = coalesce(
       (SELECT range_agg(part) FROM unnest(blocks * nummultirange(numrange(NULL, $2::numeric + 1, '[]'))) AS part
         WHERE lower(part) < upper(part)),
       '{}')
     WHERE chain_id = $1`,
    [chainId, String(block)],
  );
  await client.query(`DELETE FROM ponder_sync.intervals WHERE chain_id = $1 AND isempty(blocks)`, [chainId]);
}
