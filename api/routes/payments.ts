import type { Router } from 'express';
import { getAddress } from 'viem';
import { instantOfSeconds, instantText, isRpcFailure, type Ledger, QUOTE_LIFE } from '../../ledger/index.ts';
import { decimalText } from '../amount-text.ts';
import { getPayment, getPrice } from '../contract/payments.ts';
import { paymentWords, publicReason } from '../payment-words.ts';
import { Problem } from '../problem.ts';
import { quotableRound } from '../quotable-round.ts';
import { Serving } from '../serve.ts';

/** What anybody may know before there is an order, and of a payment that is looked for. */
export function paymentRoutes(ledger: Ledger): Router {
  const price = onceASecond(() => readPrice(ledger));
  const { mode, paymentAddress } = ledger.installation;
  const source = mode === 'live' ? 'Chainlink ETH/USD on Base' : 'Chainlink ETH/USD on Base (a stand-in)';
  return new Serving(ledger)
    .on(getPrice, async () => ({ ...(await price()), source }))
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
        reason: publicReason(found.reason),
        ...paymentWords(found),
        explorer_url: mode === 'live' ? `https://basescan.org/tx/${transaction}` : null,
        payment_address: getAddress(paymentAddress),
        block: found.blockNumber?.toString() ?? null,
        confirmations: found.confirmations?.toString() ?? null,
        finality: found.finality,
        payments: found.payments.map(({ standing, reason, amountWei }) => ({
          standing,
          reason: publicReason(reason),
          amount_wei: amountWei?.toString() ?? null,
          amount_eth: amountWei === null ? null : decimalText(amountWei, 18),
        })),
      };
    })
    .refuseOtherMethods();
}

async function readPrice(ledger: Ledger) {
  const reading = ledger.now().then(async now => ({ now, price: await ledger.currentEthPrice(now) }));
  const { answer, roundId, updatedAt } = await quotableRound(reading.then(({ price }) => price));
  const { now } = await reading;
  return {
    eth_usd: decimalText(answer, 8),
    round_id: roundId.toString(),
    updated_at: instantText(instantOfSeconds(updatedAt)),
    at: instantText(now),
    quote_seconds: Number(QUOTE_LIFE / 1_000_000n),
  };
}

const READ_AGAIN_MS = 1000;

/** What `read` gave within the last second, or is about to give; a failure is told to those who waited for it. */
function onceASecond<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let kept: { readonly untilMs: number; readonly value: Promise<Value> } | undefined;
  return () => {
    const nowMs = performance.now();
    if (kept === undefined || nowMs >= kept.untilMs) kept = { untilMs: nowMs + READ_AGAIN_MS, value: read() };
    return kept.value;
  };
}
