/** Payments that the chain has and the ledger lacks, written down as they would have been. */

import { MICROSECONDS_PER_SECOND } from './core/instant.ts';
import type { IndexedTransfer } from './intake/indexed-transfers.ts';
import { type ChainFacts, chainReceiptId, isRecorded, readLatestInclusion } from './intake/receipt-facts.ts';
import { recordInclusion } from './intake/record-inclusion.ts';
import { AccountCodes } from './store/account-codes.ts';
import { bucketOf } from './store/bucket.ts';
import { readNow } from './store/clock.ts';
import { readInstallation } from './store/installation.ts';
import { openKysely, openPool } from './store/postgres.ts';
import type { SenderLists } from './wallets/sender-lists.ts';

export interface RestoreOptions {
  readonly databaseUrl: string;
  /** As a scan of the chain found them. */
  readonly receipts: readonly ChainFacts[];
  readonly senders: SenderLists;
  /** One readable line. */
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * Records those of the receipts that are not recorded, or are recorded otherwise, in the order of the chain: matched as
 * ever, and reversed first where they were something else. The worker then prices and credits them; their 30 days count
 * from then. Returns the identities of what was recorded. Repeating it changes nothing.
 */
export async function restoreReceipts({
  databaseUrl,
  receipts,
  senders,
  log,
}: RestoreOptions): Promise<string[]> {
  const pool = openPool({ databaseUrl, role: 'credits_worker', max: 2, applicationName: 'credits-restore' });
  try {
    const db = openKysely(pool);
    const installation = await readInstallation(db);
    const context = {
      ...{ db, installation, senders },
      codes: await AccountCodes.load(db),
      now: () => readNow(db),
      log: log ?? (() => {}),
    };
    const { chainId, bucketCount, paymentAddress } = installation;
    const restored: string[] = [];
    for (const receipt of receipts) {
      const receiptId = chainReceiptId(chainId, receipt.transactionHash, receipt.traceIndex);
      const transfer = transferOf(receipt, paymentAddress);
      const latest = await readLatestInclusion(db, bucketOf(receiptId, bucketCount), receiptId);
      if (isRecorded(latest, transfer)) continue;
      if (await recordInclusion(context, transfer, await context.now())) restored.push(receiptId);
    }
    return restored;
  } finally {
    await pool.end();
  }
}

function transferOf({ blockAt, ...facts }: ChainFacts, paymentAddress: string): IndexedTransfer {
  return {
    ...facts,
    direction: 'in',
    toAddress: paymentAddress,
    blockTimestamp: blockAt / MICROSECONDS_PER_SECOND,
    input: facts.input ?? '0x',
    // Longer than a reference is not kept, so its length no longer matters.
    inputLength: facts.input === null ? Number.MAX_SAFE_INTEGER : (facts.input.length - 2) / 2,
  };
}
