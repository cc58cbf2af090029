import type { Router } from 'express';
import { accountName, instantText, type Ledger, type RecentReceipt } from '../../ledger/index.ts';
import { creditsText, decimalText, usdText } from '../amount-text.ts';
import { getOverview, listDebts, listReceipts } from '../contract/operator-overview.ts';
import { Serving } from '../serve.ts';

/** Whether everything keeps up, and what came in: for operators only. */
export function operatorOverviewRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(getOverview, async () => {
      const now = await ledger.now();
      const [indexer, sweep, seal, suspense, debt, alarms] = await Promise.all([
        ledger.indexerLag(now),
        ledger.sweepLagSeconds(now),
        ledger.seals.ageSeconds(now),
        ledger.monitoring.suspenseTotals(),
        ledger.monitoring.openDebtMicrocredits(),
        ledger.alarms(),
      ]);
      return {
        at: instantText(now),
        indexer_lag_seconds: finiteOrNull(indexer.seconds),
        indexer_lag_blocks: finiteOrNull(indexer.blocks),
        sweep_lag_seconds: sweep,
        seal_age_seconds: finiteOrNull(seal),
        suspense: { receipts: suspense.receiptCount, amount_eth: decimalText(suspense.amountWei, 18) },
        debt: creditsText(debt),
        alarms: alarms.length,
      };
    })
    .on(listDebts, async ({ query: { limit } }) => {
      const debtors = await ledger.operators.debtors(limit);
      return {
        accounts: debtors.map(({ accountId, debtMicrocredits }) => ({
          account: accountName(accountId),
          debt: creditsText(debtMicrocredits),
        })),
      };
    })
    .on(listReceipts, async ({ query: { limit } }) => ({
      receipts: (await ledger.operators.recentReceipts(limit)).map(receiptJson),
    }))
    .refuseOtherMethods();
}

function receiptJson(receipt: RecentReceipt) {
  const { amountWei, amountMicrousd, accountId } = receipt;
  return {
    receipt: receipt.receiptId,
    rail: receipt.rail,
    recorded_at: instantText(receipt.recordedAt),
    amount_eth: amountWei === null ? null : decimalText(amountWei, 18),
    amount_usd: amountMicrousd === null ? null : usdText(amountMicrousd),
    account: accountId === null ? null : accountName(accountId),
    order: receipt.orderId,
    standing: receipt.standing,
  };
}

/** A lag that is not known, or without end, is none that JSON has. */
function finiteOrNull(figure: number): number | null {
  return Number.isFinite(figure) ? figure : null;
}
