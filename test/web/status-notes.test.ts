/** Every state of an order has words: what happened, and what to do. */
import { describe, expect, it } from 'vitest';
import type {
  cardOrderProgress,
  CardOrderStatus as LedgerCardStatus,
  EthOrderStatus as LedgerEthStatus,
  OrderProgress,
} from '../../ledger/index.ts';
import { notesOf } from '../../web/src/buy/status-notes.ts';
import type {
  CardFlag,
  CardOrder,
  CardOrderStatus,
  CardProgress,
  EthFlag,
  EthOrder,
  EthOrderStatus,
  EthProgress,
} from '../../web/src/orders/order.ts';

type Same<One, Other> = [One] extends [Other] ? ([Other] extends [One] ? true : false) : false;

/** What the pages know is what the ledger tells: types alone, so `npm run types` is the test. */
export const KNOWN: readonly [
  Same<EthFlag, LedgerEthStatus['flags'][number]>,
  Same<EthProgress, OrderProgress>,
  Same<CardFlag, LedgerCardStatus['flags'][number]>,
  Same<CardProgress, ReturnType<typeof cardOrderProgress>>,
] = [true, true, true, true];

const ordered = {
  id: 'ord_1',
  kind: 'new_key',
  amount_usd: '1',
  credits: '10000',
  created_at: '2026-03-01T15:00:00.000000Z',
} as const;
const ETH: EthOrder = {
  ...ordered,
  method: 'eth',
  quote: { eth_usd: '2000', round_id: '1', guaranteed_wei: '0', deadline: '2026-03-01T15:10:00.000000Z' },
  payment: {
    ...{ chain_id: 8453, address: '0x00', amount_wei: '500000000000000', amount_eth: '0.0005' },
    ...{ unique_amount_until: null, calldata: '0x00' },
    transaction: { to: '0x00', value: '0x0', data: '0x00' },
  },
};
const CARD: CardOrder = { ...ordered, method: 'card' };

const ethStatus = (progress: EthProgress, change: Partial<EthOrderStatus['state']> = {}): EthOrderStatus => ({
  progress,
  seen_transaction: null,
  state: { amount: 'none', quote: 'live', flags: [], credited: false, key: 'unclaimed', ...change },
  payments: [],
});
const cardStatus = (
  progress: CardProgress,
  change: Partial<CardOrderStatus['state']> = {},
): CardOrderStatus => ({
  progress,
  seen_transaction: null,
  state: { amount: 'none', flags: [], credited: false, key: 'unclaimed', ...change },
  payments: [],
});

const titles = (...asked: Parameters<typeof notesOf>) => {
  const notes = notesOf(...asked);
  for (const note of notes)
    for (const text of [note.what, note.todo]) expect(text, note.title).toMatch(/\.$/);
  return notes.map(({ title }) => title);
};

describe('the headline', () => {
  const OF_ETH: [status: EthOrderStatus, sent: string | null, title: string][] = [
    [ethStatus('waiting'), null, 'Waiting for your payment'],
    [ethStatus('waiting', { quote: 'expired' }), null, 'The quoted price has run out'],
    // Who has paid is not told to.
    [ethStatus('waiting', { quote: 'expired' }), '0x01', 'Sent'],
    [ethStatus('seen'), '0x01', 'Seen'],
    [ethStatus('confirmed'), null, 'Confirmed'],
    [ethStatus('credited'), null, 'Credited'],
    [ethStatus('kept_back'), null, 'Arrived, not credited'],
    [ethStatus('reorged'), null, 'Not in a block any more'],
  ];
  it.each(OF_ETH)('of $progress in ETH', (status, sent, title) => {
    expect(titles(ETH, status, sent)).toEqual([title]);
  });

  const OF_CARDS: [progress: CardProgress, title: string][] = [
    ['waiting', 'Not paid yet'],
    ['processing', 'Your payment is under way'],
    ['credited', 'Credited'],
    ['failed', 'The payment was declined'],
    ['kept_back', 'Paid, not credited'],
    ['returned', 'Your payment went back to you'],
  ];
  it.each(OF_CARDS)('of %s by card', (progress, title) => {
    expect(titles(CARD, cardStatus(progress), null)).toEqual([title]);
  });
});

describe('what else there is to know', () => {
  const OF_ETH: [change: Partial<EthOrderStatus['state']>, title: string | null][] = [
    [{ amount: 'exact' }, null],
    [{ amount: 'under' }, 'Less than the order'],
    [{ amount: 'over' }, 'Overpaid'],
    [{ flags: ['late'] }, 'After the quote'],
    [{ flags: ['price_pending'] }, 'Waiting for a price'],
    // Said by the headline.
    [{ flags: ['processing'] }, null],
    [{ flags: ['reorged'] }, 'Taken back by the network'],
    [{ flags: ['kept_back'] }, 'Kept back'],
  ];
  it.each(OF_ETH)('in ETH: %j', (change, title) => {
    const [, ...others] = titles(ETH, ethStatus('credited', change), null);
    expect(others).toEqual(title === null ? [] : [title]);
  });

  const OF_CARDS: [
    progress: CardProgress,
    change: Partial<CardOrderStatus['state']>,
    title: string | null,
  ][] = [
    ['credited', { amount: 'over' }, 'Paid twice'],
    ['credited', { flags: ['processing'] }, 'Another payment is under way'],
    ['processing', { flags: ['processing'] }, null],
    ['credited', { flags: ['failed'] }, 'A try failed'],
    ['failed', { flags: ['failed'] }, null],
    ['credited', { flags: ['refunded'] }, 'Refunded'],
    ['returned', { flags: ['disputed'] }, 'Disputed'],
    ['kept_back', { flags: ['kept_back'] }, 'Kept back'],
  ];
  it.each(OF_CARDS)('by card, %s: %j', (progress, change, title) => {
    const [, ...others] = titles(CARD, cardStatus(progress, change), null);
    expect(others).toEqual(title === null ? [] : [title]);
  });

  it('is how much is missing, and why something is kept back', () => {
    const payment = {
      receipt: 'r',
      transaction: '0x01',
      block: '1',
      paid_at: ordered.created_at,
      amount_wei: '125000000000000',
      amount_usd: '0.25',
      credits: '2500',
      credited: true,
      reorged: false,
      finality: 'latest',
      kept_back: null,
    } as const;
    const keptBack = {
      ...payment,
      credited: false,
      kept_back: { reason: 'x', detail: 'A person must look.' },
    };
    const state = { amount: 'under', flags: ['kept_back'], credited: true } as const;
    const status = { ...ethStatus('credited', state), payments: [payment, payment, keptBack] };
    const text = notesOf(ETH, status, null)
      .map(({ what }) => what)
      .join(' ');
    expect(text).toContain('2,500 + 2,500 credits can be used now.');
    expect(text).toContain('0.00025 ETH of 0.0005 ETH arrived; 0.00025 ETH are missing.');
    expect(text).toContain('A person must look.');
  });
});
