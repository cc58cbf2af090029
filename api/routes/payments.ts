import type { Router } from 'express';
import { getAddress } from 'viem';
import { instantOfSeconds, instantText, isRpcFailure, type Ledger, QUOTE_LIFE } from '../../ledger/index.ts';
import { decimalText } from '../amount-text.ts';
import { getPayment, getPrice } from '../contract/payments.ts';
import { paymentWords } from '../payment-words.ts';
import { Problem } from '../problem.ts';
import { quotableRound } from '../quotable-round.ts';
import { Serving } from '../serve.ts';
import { currentPriceOncePerSecond } from './current-price.ts';

/** What anybody may know before there is an order, and of a payment that is looked for. */
export function paymentRoutes(ledger: Ledger): Router {
  const currentPrice = currentPriceOncePerSecond(ledger);
  const { mode, paymentAddress } = ledger.installation;
  const source = mode === 'live' ? 'Chainlink ETH/USD on Base' : 'Chainlink ETH/USD on Base (a stand-in)';
  return new Serving(ledger)
    .on(getPrice, async () => {
      const now = await ledger.now();
      const { answer, roundId, updatedAt } = await quotableRound(currentPrice(now));
      return {
        eth_usd: decimalText(answer, 8),
        source,
        round_id: roundId.toString(),
        updated_at: instantText(instantOfSeconds(updatedAt)),
        at: instantText(now),
        quote_seconds: Number(QUOTE_LIFE / 1_000_000n),
      };
    })
    .on(getPayment, async ({ params: { transaction } }) => {
      const found = await ledger.transactionStanding(transaction).catch(error => {
        if (!isRpcFailure(error)) throw error;
        throw new Problem(
          'temporarily_unavailable',
          'The chain cannot be asked just now: try again shortly. Your payment is safe.',
        );
      });
      return {
        transaction,
        standing: found.standing,
        reason: found.reason,
        ...paymentWords(found),
        payment_address: getAddress(paymentAddress),
        block: found.blockNumber?.toString() ?? null,
        confirmations: found.confirmations?.toString() ?? null,
        finality: found.finality,
        payments: found.payments.map(({ standing, reason, amountWei }) => ({
          standing,
          reason,
          amount_wei: amountWei?.toString() ?? null,
          amount_eth: amountWei === null ? null : decimalText(amountWei, 18),
        })),
      };
    })
    .refuseOtherMethods();
}
