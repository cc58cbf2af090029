/** How far the chain is and how far it has been taken in, as it is recorded. */
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { IntakeContext } from './context.ts';

export interface ChainProgress {
  /** Every block up to here is final and taken in: it is not compared again. -1 for none. */
  readonly settledBlock: bigint;
  /** The newest block of the chain when it was last asked, and its time; null while it never was. */
  readonly headBlock: bigint | null;
  readonly headBlockAt: Instant | null;
  /** Up to here the chain is safe, and every payment recorded was compared with it. -1 for none. */
  readonly safeBlock: bigint;
  /** Up to here it is final, likewise. */
  readonly finalizedBlock: bigint;
}

const NOTHING_YET: ChainProgress = {
  settledBlock: -1n,
  headBlock: null,
  headBlockAt: null,
  safeBlock: -1n,
  finalizedBlock: -1n,
};

type Recorded = Pick<IntakeContext, 'db' | 'installation'>;

export async function readChainProgress({ db, installation }: Recorded): Promise<ChainProgress> {
  const row = await db
    .selectFrom('chain_progress')
    .selectAll()
    .where('chain_id', '=', installation.chainId)
    .executeTakeFirst();
  if (!row) return NOTHING_YET;
  return {
    settledBlock: row.settled_block,
    headBlock: row.head_block,
    headBlockAt: row.head_block_at,
    safeBlock: row.safe_block,
    finalizedBlock: row.finalized_block,
  };
}

export async function writeSettledBlock(context: IntakeContext, settledBlock: bigint): Promise<void> {
  await write(context, { settled_block: settledBlock });
}

export async function writeHead(
  context: IntakeContext,
  head: { readonly block: bigint; readonly at: Instant },
  now: Instant,
): Promise<void> {
  await write(context, {
    head_block: head.block,
    head_block_at: instantText(head.at),
    observed_at: instantText(now),
  });
}

export async function writeFinality(
  context: IntakeContext,
  { safeBlock, finalizedBlock }: Pick<ChainProgress, 'safeBlock' | 'finalizedBlock'>,
): Promise<void> {
  await write(context, { safe_block: safeBlock, finalized_block: finalizedBlock });
}

async function write(
  context: IntakeContext,
  change: {
    settled_block?: bigint;
    head_block?: bigint;
    head_block_at?: string;
    observed_at?: string;
    safe_block?: bigint;
    finalized_block?: bigint;
  },
): Promise<void> {
  const row = { ...change, updated_at: instantText(await context.now()) };
  await context.db
    .insertInto('chain_progress')
    .values({ chain_id: context.installation.chainId, ...row })
    .onConflict(conflict => conflict.column('chain_id').doUpdateSet(row))
    .execute();
}
