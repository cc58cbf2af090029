/** A sound installation reconciles to nothing, at any instant; each planted difference is named with its receipt. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cardReceiptId } from '../../../ledger/cards/apply-payment.ts';
import { DAY, HOUR, MINUTE } from '../../../ledger/core/instant.ts';
import { type Instant, openPool, parseInstant } from '../../../ledger/index.ts';
import { DIFFERENCE_CAUSES, type DifferenceKind } from '../../../ledger/reconciliation/difference.ts';
import { type Reconciliation, reconcile } from '../../../ledger/reconciliation/reconcile.ts';
import { debitOf } from '../../support/books.ts';
import { CARD_KEY, CardShop } from '../../support/card-shop.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { DOLLAR_WEI, type IntakeSteps } from '../../support/intake-steps.ts';
import { whilePlanted } from '../../support/planted.ts';

const BEGINNING = parseInstant('2026-03-01T15:00:00Z');

let database: TestDatabase;
let shop: CardShop;
let steps: IntakeSteps;
/** Telling instants of the history. */
const instants: Instant[] = [];
let auditor: ReturnType<typeof openPool>;
/** By what became of them. */
const receipts = { spent: '', moved: '', gone: '', nobody: '', card: '', refunded: '', disputed: '' };
let unnoticedIntent = '';

beforeAll(async () => {
  database = await createDatabase();
  shop = await CardShop.open(database.url, BEGINNING);
  steps = shop.steps;
  auditor = openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 2 });
  await writeHistory();
});
afterAll(async () => {
  await auditor?.end();
  await shop?.close();
  await database?.drop();
});

function pass(time: Instant): void {
  instants.push(steps.now);
  steps.now += time;
}

async function writeHistory(): Promise<void> {
  const bought = await steps.order(10n);
  receipts.spent = (
    await steps.pay(steps.transfer(bought.reference, { amountWei: 10n * DOLLAR_WEI }))
  ).receiptId;
  await steps.context.poster.submit(bought.accountId, debitOf(30_000n, 'job'));
  pass(HOUR);
  // Another block has it, with another value; then it is gone for good.
  const moving = steps.transfer((await steps.order(5n)).reference, { amountWei: 5n * DOLLAR_WEI });
  await steps.pay(moving);
  pass(MINUTE);
  receipts.moved = (await steps.pay(steps.moved(moving, { amountWei: 4n * DOLLAR_WEI }))).receiptId;
  const leaving = await steps.pay(
    steps.transfer((await steps.order(3n)).reference, { amountWei: 3n * DOLLAR_WEI }),
  );
  pass(MINUTE);
  await steps.vanish(leaving);
  await steps.deliver();
  receipts.gone = leaving.receiptId;
  const stray = steps.transfer(null);
  await steps.record(stray);
  receipts.nobody = (await steps.standing(stray)).receiptId;
  await steps.price(await steps.standing(stray));
  pass(DAY);
  const card = await shop.paid(1_000n);
  await shop.apply(card.intentId);
  receipts.card = cardReceiptId(card.intentId);
  const refunded = await shop.paid(2_000n);
  await shop.apply(refunded.intentId);
  await shop.spend(refunded.order, 150_000n);
  pass(HOUR);
  const refund = shop.simulator.bank.refund(refunded.charge, 1_000);
  await shop.apply(refunded.intentId);
  pass(HOUR);
  shop.simulator.bank.failRefund(refund);
  await shop.apply(refunded.intentId);
  receipts.refunded = cardReceiptId(refunded.intentId);
  const disputed = await shop.paid(500n);
  await shop.apply(disputed.intentId);
  pass(DAY);
  await shop.spend(disputed.order, 20_000n);
  shop.simulator.bank.openDispute(disputed.charge, 500);
  await shop.apply(disputed.intentId);
  receipts.disputed = cardReceiptId(disputed.intentId);
  const declined = await shop.order(700n);
  shop.simulator.bank.submit(declined.session, 'bank_debit');
  await shop.apply(shop.chargeOf(declined.session).intentId);
  pass(DAY);
  shop.simulator.bank.settleDebit(shop.chargeOf(declined.session).charge, 'failed');
  await shop.apply(shop.chargeOf(declined.session).intentId);
  pass(40n * DAY);
  instants.push(steps.now);
}

const stripe = () => ({ secretKey: CARD_KEY, apiUrl: shop.simulator.url });

function made(at: Instant = steps.now): Promise<Reconciliation> {
  return reconcile(auditor, { at, stripe: stripe() });
}

/** The kinds and receipts of the differences. */
function told({ differences }: Reconciliation): string[] {
  return differences.map(({ kind, receipt }) => `${kind} ${receipt ?? '-'}`).sort();
}

describe('a sound installation', () => {
  test('has no difference, at any instant', async () => {
    for (const at of instants.flatMap(instant => [instant - 1n, instant, instant + 1n])) {
      const reconciliation = await made(at);
      expect([at, reconciliation.differences]).toEqual([at, []]);
      expect(reconciliation.stripe.status).toBe('compared');
      expect(reconciliation.chain).toEqual({
        status: 'not_compared',
        why: expect.stringContaining('BASE_RPC_URL'),
      });
    }
  });

  test('has something of everything, so that it means something', async () => {
    const { report, days, stripe: cards } = await made();
    const balances = Object.fromEntries(
      report.trialBalance.map(({ account, balance }) => [account, balance]),
    );
    for (const account of [
      'ETH:suspense',
      'USD:cash:stripe',
      'USD:fees',
      'USD:revenue',
      'USD:refunds',
      'CREDIT:debt',
    ])
      expect([account, (balances[account] ?? 0n) !== 0n]).toEqual([account, true]);
    expect(days.some(({ chainMicrousd }) => chainMicrousd === 14_000_000n)).toBe(true);
    expect(days.reduce((sum, { cardMicrousd }) => sum + cardMicrousd, 0n)).toBe(35_000_000n);
    expect(cards).toMatchObject({
      figures: expect.arrayContaining([expect.objectContaining({ value: '35000000' })]),
    });
  });

  test('says why Stripe is not compared', async () => {
    expect((await reconcile(auditor, { at: steps.now })).stripe).toMatchObject({ status: 'not_compared' });
    const away = await reconcile(auditor, {
      at: steps.now,
      stripe: { secretKey: CARD_KEY, apiUrl: 'http://127.0.0.1:1' },
    });
    expect(away.stripe).toMatchObject({
      status: 'not_compared',
      why: expect.stringContaining('could not be asked'),
    });
    expect(away.differences).toEqual([]);
  });
});

interface Plant {
  readonly what: string;
  readonly statement: () => string;
  readonly tables: readonly string[];
  /** Each is to be among the differences. */
  readonly told: () => readonly [DifferenceKind, string | null][];
}

const ofReceipt = (receipt: string, kind: string) =>
  `(bucket, account_id, seq) = (select bucket, account_id, seq from entries
    where kind = '${kind}' and details like '%"${receipt}"%' order by seq limit 1)`;

const PLANTS: readonly Plant[] = [
  {
    what: 'a deleted receipt entry',
    statement: () =>
      `delete from postings where ${ofReceipt(receipts.spent, 'receipt')};
       delete from entries where ${ofReceipt(receipts.spent, 'receipt')}`,
    tables: ['postings', 'entries'],
    told: () => [
      ['entry_missing', receipts.spent],
      ['total_differs', null],
    ],
  },
  {
    what: 'a deleted purchase',
    statement: () =>
      `delete from postings where ${ofReceipt(receipts.card, 'purchase')};
       delete from entries where ${ofReceipt(receipts.card, 'purchase')}`,
    tables: ['postings', 'entries'],
    told: () => [['effect_missing', receipts.card]],
  },
  {
    what: 'an altered amount of a fact',
    statement: () =>
      `update receipt_inclusions set amount_wei = amount_wei + 1000000000000 where receipt_id = '${receipts.spent}'`,
    tables: ['receipt_inclusions'],
    told: () => [
      ['entry_differs', receipts.spent],
      ['price_differs', receipts.spent],
      ['total_differs', null],
    ],
  },
  {
    what: 'an altered price record',
    statement: () =>
      `update price_records set answer = answer + 100000000 where receipt_id = '${receipts.nobody}'`,
    tables: ['price_records'],
    told: () => [['price_differs', receipts.nobody]],
  },
  {
    what: 'an altered posting of a receipt',
    statement: () => `update postings set amount = amount + 1 where ${ofReceipt(receipts.nobody, 'receipt')}`,
    tables: ['postings'],
    told: () => [
      ['entry_differs', receipts.nobody],
      ['total_differs', null],
    ],
  },
  {
    what: 'an invented inclusion',
    statement: () =>
      `insert into receipts select bucket, 'eth:8453:0xinvented:0', first_noticed_at from receipts
         where receipt_id = '${receipts.nobody}';
       insert into receipt_inclusions select bucket, 'eth:8453:0xinvented:0', version, outcome, block_number, block_hash,
           block_at, '0xinvented', transaction_index, trace_index, frame_type, transaction_type, from_address, amount_wei,
           input, noticed_at
         from receipt_inclusions where receipt_id = '${receipts.nobody}'`,
    tables: ['receipts', 'receipt_inclusions'],
    told: () => [['entry_missing', 'eth:8453:0xinvented:0']],
  },
  {
    what: 'a deleted fact',
    statement: () => `delete from receipt_inclusions where receipt_id = '${receipts.nobody}'`,
    tables: ['receipt_inclusions'],
    told: () => [
      ['receipt_without_facts', receipts.nobody],
      ['entry_without_fact', receipts.nobody],
    ],
  },
  {
    what: 'a deleted receipt',
    statement: () => `delete from receipts where receipt_id = '${receipts.moved}'`,
    tables: ['receipts'],
    told: () => [['facts_without_receipt', receipts.moved]],
  },
  {
    what: 'a reorg whose reversal is deleted',
    statement: () =>
      `delete from postings where ${ofReceipt(receipts.gone, 'assignment_reversal')};
       delete from entries where ${ofReceipt(receipts.gone, 'assignment_reversal')}`,
    tables: ['postings', 'entries'],
    told: () => [['entry_missing', receipts.gone]],
  },
  {
    what: 'an orphan in the outbox',
    statement: () =>
      `insert into outbox (bucket, receipt_id, version, action, account_id, amount_microusd, details, decided_at)
       values (1, 'stripe:pi_invented', 1, 'purchase', 5, 1000000, '{}', '2026-03-01T15:00:00Z')`,
    tables: ['outbox'],
    told: () => [['outbox_orphaned', 'stripe:pi_invented']],
  },
  {
    what: 'a purchase that waits for days',
    statement: () =>
      `insert into outbox (bucket, receipt_id, version, action, account_id, amount_microusd, details, decided_at)
         select bucket, receipt_id, version, 'purchase', account_id, paid_microusd, '{}', decided_at
         from card_payments where receipt_id = '${receipts.card}' and version = 1;
       delete from postings where ${ofReceipt(receipts.card, 'purchase')};
       delete from entries where ${ofReceipt(receipts.card, 'purchase')}`,
    tables: ['outbox', 'postings', 'entries'],
    told: () => [['effect_waiting', receipts.card]],
  },
  {
    what: 'a purchase of another amount',
    statement: () =>
      `update postings set amount = amount + 1000000 where 2100 in (from_code, to_code)
         and ${ofReceipt(receipts.card, 'purchase')}`,
    tables: ['postings'],
    told: () => [
      ['effect_differs', receipts.card],
      ['lot_differs', receipts.card],
    ],
  },
  {
    what: 'a purchase that nobody paid for',
    statement: () =>
      `update entries set key_digest = gen_random_uuid() where ${ofReceipt(receipts.card, 'purchase')}`,
    tables: ['entries'],
    told: () => [
      ['effect_without_fact', receipts.card],
      ['effect_missing', receipts.card],
    ],
  },
  {
    what: 'a lot with more in it',
    statement: () =>
      `update lots set available_microcredits = available_microcredits + 1 where ctid = (select ctid from lots limit 1)`,
    tables: ['lots'],
    told: () => [['lot_differs', receipts.spent]],
  },
  {
    what: 'a card payment that Stripe does not know',
    statement: () =>
      `update card_payments set payment_intent_id = 'pi_invented' where receipt_id = '${receipts.card}'`,
    tables: ['card_payments'],
    told: () => [
      ['stripe_unknown', 'stripe:pi_invented'],
      ['stripe_not_noticed', receipts.card],
    ],
  },
  {
    what: 'a card payment that contradicts itself',
    statement: () =>
      `update card_payments set paid_microusd = paid_microusd + 1000000 where receipt_id = '${receipts.refunded}'
         and version = (select max(version) from card_payments where receipt_id = '${receipts.refunded}')`,
    tables: ['card_payments'],
    told: () => [
      ['entry_differs', receipts.refunded],
      ['entry_without_fact', receipts.refunded],
      ['effect_without_fact', receipts.refunded],
      ['stripe_differs', receipts.refunded],
      ['total_differs', null],
    ],
  },
  {
    what: 'a fee that was altered',
    statement: () =>
      `update card_payments set fee_microusd = fee_microusd - 10000 where receipt_id = '${receipts.card}'`,
    tables: ['card_payments'],
    told: () => [
      ['stripe_differs', receipts.card],
      ['entry_differs', receipts.card],
      ['total_differs', null],
    ],
  },
];

describe('is told with its receipt and a cause:', () => {
  test.each(PLANTS)('$what', async ({ statement, tables, told: wanted }) => {
    const found = await whilePlanted(steps.owner, { statement: statement(), tables }, () => made());
    const all = told(found);
    for (const [kind, receipt] of wanted()) expect(all).toContain(`${kind} ${receipt ?? '-'}`);
    // Nothing else of any other receipt.
    const about = wanted().map(([, receipt]) => receipt);
    for (const { receipt } of found.differences) if (receipt !== null) expect(about).toContain(receipt);
    for (const { kind, cause } of found.differences)
      expect(cause).toBe(DIFFERENCE_CAUSES[kind as DifferenceKind]);
    expect((await made()).differences).toEqual([]);
  });

  test('a payment and a refund that nobody noticed at Stripe', async () => {
    const before = steps.now;
    steps.now += HOUR;
    const { intentId } = await shop.paid(900n);
    unnoticedIntent = intentId;
    const payments = await shop.paid(800n);
    await shop.apply(payments.intentId);
    steps.now += HOUR;
    shop.simulator.bank.refund(payments.charge, 300);
    expect(told(await made())).toEqual(
      [
        `stripe_not_noticed ${cardReceiptId(unnoticedIntent)}`,
        `stripe_differs ${cardReceiptId(payments.intentId)}`,
      ].sort(),
    );
    // Before that all is as it was.
    expect(told(await made(before))).toEqual([]);
    await shop.apply(intentId);
    await shop.apply(payments.intentId);
    expect(told(await made())).toEqual([]);
    // As of an hour ago, what was noticed only now is on its way.
    const past = await made(steps.now - 1n);
    expect(told(past)).toEqual([]);
  });
});
