/** What follows from facts, under which idempotency key: written out here, apart from the code that books and replays it. */
import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { NO_CARD_PAYMENT } from '../../../ledger/core/card-payment.ts';
import { consequencesOf } from '../../../ledger/replay/consequences.ts';
import type { CardFact, Facts, InclusionFact } from '../../../ledger/replay/facts.ts';

const PLACES = { chainId: 8453, paymentAddress: '0xpaid', bucketCount: 64 } as const;
const NOTHING: Facts = {
  inclusions: [],
  credits: new Map(),
  cards: [],
  withdrawals: [],
  sent: [],
  differences: [],
};

const digest = (key: string) => hash('sha256', `0:${key}`, 'hex').slice(0, 32);

/** Of each consequence its book, the text of its key where it is one of `keys`, its instant, and what it moves. */
function told(facts: Partial<Facts>, keys: readonly string[]): string[] {
  const { system, customer } = consequencesOf({ ...NOTHING, ...facts }, PLACES as never);
  const names = new Map(keys.map(key => [digest(key), key]));
  return [
    ...[...system.values()].map(
      ({ book, fact, entry, decidedAt }) =>
        `${book} ${names.get(entry.identity.keyDigest)} of ${fact} at ${decidedAt}: ` +
        entry.postings.map(({ from, to, amount }) => `${amount} ${from} > ${to}`).join(', '),
    ),
    ...[...customer.values()].map(
      ({ accountId, keyDigest, decidedAt, amountMicrousd }) =>
        `account ${accountId} ${names.get(keyDigest)} at ${decidedAt}: ${amountMicrousd}`,
    ),
  ];
}

const RECEIPT = 'eth:8453:0xaa:0';
const TREASURY = 'ETH:treasury:8453:0xpaid';

test('a payment that came, was credited, went, and came again in another block', () => {
  const version = (number: number, amountWei: bigint | null, noticedAt: bigint): InclusionFact => ({
    ...{ receiptId: RECEIPT, version: number, bucket: 7, noticedAt },
    included: amountWei === null ? null : { blockNumber: 5n, blockAt: 1n, amountWei },
  });
  const credited = { accountId: 3n, amountMicrousd: 50n, paidAt: 1n, decidedAt: 12n };
  expect(
    told(
      {
        inclusions: [version(1, 100n, 10n), version(2, null, 20n), version(3, 90n, 30n)],
        credits: new Map([[`${RECEIPT} 1`, credited]]),
      },
      ['receipt', 'assignment', 'assignment_reversal', 'receipt_reversal', 'clawback'].flatMap(kind => [
        `${kind}:${RECEIPT}:1`,
        `${kind}:${RECEIPT}:3`,
      ]),
    ),
  ).toEqual([
    `system_7 receipt:${RECEIPT}:1 of ${RECEIPT} at 10: 100 ETH:suspense > ${TREASURY}`,
    `system_7 assignment:${RECEIPT}:1 of ${RECEIPT} at 12: 100 ETH:trading > ETH:suspense, 50 USD:clearing > USD:trading`,
    `system_7 assignment_reversal:${RECEIPT}:1 of ${RECEIPT} at 20: 100 ETH:suspense > ETH:trading, 50 USD:trading > USD:clearing`,
    `system_7 receipt_reversal:${RECEIPT}:1 of ${RECEIPT} at 20: 100 ${TREASURY} > ETH:suspense`,
    `system_7 receipt:${RECEIPT}:3 of ${RECEIPT} at 30: 90 ETH:suspense > ${TREASURY}`,
    `account 3 receipt:${RECEIPT}:1 at 12: 50`,
    `account 3 clawback:${RECEIPT}:1 at 20: 50`,
  ]);
});

test('what left the address, and what its balance has more', () => {
  const shared = { bucket: 2, transactionHash: '0xbb', blockAt: 1n, noticedAt: 9n };
  const difference = { bucket: 2, differenceId: 'd', fromBlock: 1n, throughBlock: 2n, throughAt: 1n };
  expect(
    told(
      {
        withdrawals: [{ ...shared, traceIndex: 4, toAddress: null, amountWei: 30n }],
        sent: [
          { ...shared, outcome: 'success', feeWei: 3n },
          { ...shared, transactionHash: '0xfree', outcome: 'success', feeWei: 0n },
        ],
        differences: [
          { ...difference, version: 1, amountWei: 8n, decidedAt: 10n },
          { ...difference, version: 2, amountWei: 0n, decidedAt: 11n },
        ],
      },
      [
        'withdrawal:eth:8453:0xbb:4',
        'gas:eth:8453:0xbb',
        'provisional_receipt:d:1',
        'provisional_reversal:d:1',
      ],
    ),
  ).toEqual([
    `system_2 withdrawal:eth:8453:0xbb:4 of eth:8453:0xbb:4 at 9: 30 ${TREASURY} > ETH:withdrawals`,
    `system_2 gas:eth:8453:0xbb of eth:8453:0xbb at 9: 3 ${TREASURY} > ETH:gas`,
    `system_2 provisional_receipt:d:1 of d at 10: 8 ETH:suspense > ${TREASURY}`,
    `system_2 provisional_reversal:d:1 of d at 11: 8 ${TREASURY} > ETH:suspense`,
  ]);
});

test('a card payment that was refunded; one that contradicts itself leads to nothing, and is named', () => {
  const paid = { ...NO_CARD_PAYMENT, status: 'paid' as const, paidMicrousd: 50n, paidAt: 1n, movedAt: 1n };
  const card = (receiptId: string, version: number, state: CardFact['state']): CardFact => ({
    ...{ receiptId, version, bucket: 1, orderId: 'o', accountId: 3n, decidedAt: BigInt(version), state },
  });
  const cards = [
    card('stripe:a', 1, paid),
    card('stripe:a', 2, { ...paid, refundedMicrousd: 50n }),
    card('stripe:b', 1, paid),
    card('stripe:b', 2, { ...paid, paidMicrousd: 60n }),
  ];
  const keys = [
    'card_payment:stripe:a:1',
    'card_payment:stripe:a:2',
    'receipt:stripe:a:1',
    'clawback:stripe:a:2',
  ];
  const found = told({ cards }, keys).map(line => line.replace(/ at .*/, ''));
  expect(found).toEqual([
    'system_1 card_payment:stripe:a:1 of stripe:a',
    'system_1 card_payment:stripe:a:2 of stripe:a',
    'account 3 receipt:stripe:a:1',
    'account 3 clawback:stripe:a:2',
  ]);
  expect(consequencesOf({ ...NOTHING, cards }, PLACES as never).contradictions).toEqual([
    { bucket: 1, receiptId: 'stripe:b', why: expect.stringMatching(/./) },
  ]);
});
