/** Stripe's webhook over HTTP: whose word is taken, in any order, more than once, at once, or not at all. */
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLedger } from '../../ledger/index.ts';
import { type CardApi, type CardOrder, startCardApi } from '../support/card-api.ts';
import { CARD_KEY, WEBHOOK_SECRET } from '../support/card-shop.ts';
import { TEST_INSTALLATION } from '../support/installation.ts';

const DAY = 86_400_000_000n;

let cards: CardApi;
beforeAll(async () => {
  cards = await startCardApi();
  // It goes through Stripe's lists at its start, while they are empty: afterwards it knows by webhooks only.
  cards.startWorker();
  await cards.listsGoneThrough();
});
afterAll(() => cards?.stop());

/** An order that was paid, with the events that tell of it. */
async function paid(shop = cards): Promise<{ order: CardOrder; events: Stripe.Event[] }> {
  const order = await shop.order('10');
  const since = shop.events().length;
  shop.pay(order.sessionId);
  return { order, events: shop.events(since) };
}

const storedEvents = (id: string) =>
  cards.api.query<{ type: string; payload: string }>(
    'select type, payload from stripe_events where event_id = $1',
    [id],
  );

const creditsOf = async (order: CardOrder) => await cards.credits(await cards.claim(order));

describe('an event', () => {
  it('is acknowledged and stored as it came, to the byte', async () => {
    const { events } = await paid();
    const event = events.at(-1);
    // White space and characters beyond ASCII are Stripe's to choose, and sealed by its signature.
    const payload = `${JSON.stringify({ ...event, note: 'Zahlung für €10 ✓' }, null, 3)}\n`;
    const answer = await cards.webhook(payload);
    expect([answer.status, answer.text]).toEqual([200, '{"received":true}']);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(await storedEvents(String(event?.id))).toEqual([{ type: 'checkout.session.completed', payload }]);
  });

  it('of a type that is unknown is stored and acknowledged, and nothing follows', async () => {
    const strange = {
      ...cards.events()[0],
      id: 'evt_strange',
      type: 'treasury.moon_phase.changed',
      data: { object: { id: 'moon_1', object: 'moon', phase: 'full' } },
    };
    const before = await cards.api.query('select * from stripe_hints');
    const answer = await cards.webhook(strange);
    expect([answer.status, answer.text]).toEqual([200, '{"received":true}']);
    expect(await storedEvents('evt_strange')).toEqual([
      { type: 'treasury.moon_phase.changed', payload: JSON.stringify(strange, null, 2) },
    ]);
    expect(await cards.api.query('select * from stripe_hints')).toEqual(before);
  });

  it('of a payment that is none of ours is stored, and moves nothing', async () => {
    const foreign = {
      ...cards.events()[0],
      id: 'evt_foreign',
      type: 'payment_intent.succeeded',
      data: { object: { id: 'pi_foreign', object: 'payment_intent' } },
    };
    expect((await cards.webhook(foreign)).status).toBe(200);
    await cards.takenIn();
    expect(await cards.api.query(`select from card_payments where payment_intent_id = 'pi_foreign'`)).toEqual(
      [],
    );
  });
});

describe('who is not Stripe', () => {
  const REFUSED = {
    type: 'urn:aispace-credits:problem:stripe_signature_invalid',
    title: 'stripe signature invalid',
    status: 400,
    code: 'stripe_signature_invalid',
    detail:
      'The header Stripe-Signature does not fit this body and STRIPE_WEBHOOK_SECRET, or is older than 5 minutes.',
    request_id: expect.stringMatching(/^req_[0-9a-f]{32}$/),
  };
  const secondsAgo = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;
  const signed = (payload: string, timestamp = secondsAgo(0), secret = WEBHOOK_SECRET) =>
    Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  const payloadOf = (id: string) => JSON.stringify({ ...cards.events()[0], id });

  it.each<[string, (payload: string) => { body: string; signature: string | undefined }]>([
    [
      'forged: with another secret',
      body => ({ body, signature: signed(body, secondsAgo(0), 'whsec_other') }),
    ],
    ['forged: of another body', body => ({ body: `${body} `, signature: signed(body) })],
    ['forged: without a signature', body => ({ body, signature: undefined })],
    ['forged: with nonsense for a signature', body => ({ body, signature: 'good morning' })],
    [
      'forged: signed in a scheme that is not v1',
      body => ({ body, signature: signed(body).replace('v1=', 'v0=') }),
    ],
    [
      'forged: another time written over it',
      body => {
        const signature = signed(body, secondsAgo(900)).replace(/t=\d+/, `t=${secondsAgo(0)}`);
        return { body, signature };
      },
    ],
    ['stale: signed 301 seconds ago', body => ({ body, signature: signed(body, secondsAgo(301)) })],
    [
      'not UTF-8 that was signed as what it reads like',
      body => ({ body: `${body}\u{fffd}`, signature: signed(body) }),
    ],
  ])('is refused, %s', async (title, forge) => {
    const id = `evt_${title.replaceAll(/\W+/g, '_')}`;
    const { body, signature } = forge(payloadOf(id));
    const headers = signature === undefined ? {} : { 'stripe-signature': signature };
    const answer = await cards.api.call('POST', '/v1/stripe/webhook', { body, headers });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toEqual(REFUSED);
    expect(await storedEvents(id)).toEqual([]);
  });

  it('may send a recorded delivery again, as Stripe does: nothing follows from it', async () => {
    const { order, events } = await paid();
    const body = JSON.stringify(events.at(-1));
    const headers = { 'stripe-signature': signed(body, secondsAgo(60)) };
    const send = () => cards.api.call('POST', '/v1/stripe/webhook', { body, headers });
    expect((await send()).status).toBe(200);
    await cards.takenIn();
    expect((await cards.status(order)).state.credited).toBe(true);
    const before = await cards.everything();
    for (const answer of await Promise.all(Array.from({ length: 5 }, send)))
      expect([answer.status, answer.text]).toEqual([200, '{"received":true}']);
    expect(await cards.everything()).toBe(before);
  });

  it.each([
    ['thin events', JSON.stringify({ object: 'v2.core.event', id: 'evt_thin', type: 'v1.billing' })],
    ['no JSON', 'paid!'],
    ['no event', JSON.stringify(['paid'])],
    ['null', 'null'],
    [
      'an event without an id',
      JSON.stringify({ object: 'event', type: 'charge.succeeded', data: { object: {} } }),
    ],
    ['an event without an object', JSON.stringify({ object: 'event', id: 'evt_1', type: 'x', data: {} })],
  ])('is told so where Stripe’s secret signs %s', async (_title, payload) => {
    const answer = await cards.webhook(payload);
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } });
  });

  it('is stopped at 256 kB, and at other methods', async () => {
    const large = await cards.webhook({
      ...cards.events()[0],
      id: 'evt_large',
      padding: 'x'.repeat(256 * 1024),
    });
    expect(large).toMatchObject({ status: 413, body: { code: 'request_too_large' } });
    const got = await cards.api.call('GET', '/v1/stripe/webhook');
    expect(got).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(got.headers.allow).toBe('POST');
  });
});

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length <= 1) return [[...all]];
  return all.flatMap((first, index) =>
    permutations([...all.slice(0, index), ...all.slice(index + 1)]).map(rest => [first, ...rest]),
  );
}

/** One event of each object: what happened, told once. */
const TOLD = [
  'checkout.session.completed',
  'charge.refunded',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
  'charge.dispute.closed',
];

/** A purchase of $10, a refund of $3 and a dispute of the rest that is won, with the events that tell of it. */
async function purchaseRefundedAndDisputed(): Promise<{ order: CardOrder; events: Stripe.Event[] }> {
  const { bank } = cards.simulator;
  const order = await cards.order('10');
  const since = cards.events().length;
  cards.pay(order.sessionId);
  const charge = cards.charge(order.sessionId);
  bank.refund(charge, 300);
  bank.closeDispute(bank.openDispute(charge, 700), 'won');
  return { order, events: cards.events(since).filter(({ type }) => TOLD.includes(type)) };
}

/** What the journal has of an order's account and of its payment, without what tells one from another. */
async function booksOf({ id }: CardOrder): Promise<string> {
  const rows = await cards.api.query(
    `select e.seq, e.kind, e.effective_at, e.amount_microcredits, e.available_after_microcredits,
       e.debt_after_microcredits, p.line, f.name as gone, t.name as came, p.amount, p.lot_id
     from orders o
     join entries e on e.account_id = o.account_id
     join postings p on p.account_id = e.account_id and p.seq = e.seq
     join ledger_accounts f on f.code = p.from_code
     join ledger_accounts t on t.code = p.to_code
     where o.order_id = $1
     union all
     select 0, e.kind, e.effective_at, 0, 0, 0, p.line, f.name, t.name, p.amount, null
     from entries e
     join postings p on p.bucket = e.bucket and p.account_id = e.account_id and p.seq = e.seq
     join ledger_accounts f on f.code = p.from_code
     join ledger_accounts t on t.code = p.to_code
     where e.kind = 'card_payment' and e.details::json->>'order' = $1
     order by 1, 2, 3, 7`,
    [id],
  );
  return JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
}

describe('the events of a purchase, a partial refund and a dispute that is won', () => {
  it('are taken in once by two workers of two processes that pull at once', async () => {
    const { database } = cards.api;
    const other = await openLedger({
      databaseUrl: database.url,
      rpcUrl: 'http://127.0.0.1:1',
      installation: TEST_INSTALLATION,
      clock: () => cards.api.now,
      cards: { secretKey: CARD_KEY, apiUrl: cards.simulator.url, webhookSecret: WEBHOOK_SECRET },
    });
    const all = [];
    for (let made = 0; made < 10; made += 1) all.push(await purchaseRefundedAndDisputed());
    const worker = other.cards?.startWorker();
    try {
      for (const event of all.flatMap(({ events }) => events)) await cards.webhook(event);
      await cards.takenIn();
    } finally {
      await worker?.stop();
      await other.close();
    }
    for (const { order } of all) expect(await creditsOf(order)).toEqual({ available: '70000', debt: '0' });
    const [counted] = await cards.api.query<{ count: bigint }>(
      `select count(*) from entries e join orders o on o.account_id = e.account_id
       where e.kind = 'purchase' and o.order_id = any($1)`,
      [all.map(({ order }) => order.id)],
    );
    expect(String(counted?.count)).toBe('10');
  });

  it('lead to the same books in each of their 120 orders, through the webhook and the worker', async () => {
    const all: { order: CardOrder; events: Stripe.Event[]; told: number[] }[] = [];
    for (const told of permutations([0, 1, 2, 3, 4]))
      all.push({ ...(await purchaseRefundedAndDisputed()), told });
    // One event of each payment, and all of it taken in, before the next: no look is led to by two of them.
    for (let round = 0; round < TOLD.length; round += 1) {
      for (const { events, told } of all) {
        const event = events[told[round] ?? 0];
        expect((await cards.webhook(event ?? '')).status).toBe(200);
      }
      await cards.takenIn();
    }
    const books = new Map<string, number>();
    for (const { order } of all) {
      const text = await booksOf(order);
      books.set(text, (books.get(text) ?? 0) + 1);
    }
    expect([...books.values()]).toEqual([120]);
    expect([...books.keys()][0]).toContain('"card_payment"');
    for (const { order } of [all[0], all[119]].filter(each => each !== undefined))
      expect(await creditsOf(order)).toEqual({ available: '70000', debt: '0' });
  });

  it('change nothing when they come twice, late, or all at once', async () => {
    const { order, events } = await purchaseRefundedAndDisputed();
    const answers = await Promise.all([...events, ...events, ...events].map(event => cards.webhook(event)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await cards.takenIn();
    const before = await cards.everything();
    cards.api.now += DAY;
    for (const event of events) expect((await cards.webhook(event)).status).toBe(200);
    await cards.takenIn();
    expect(await cards.everything()).toBe(before);
    expect(await creditsOf(order)).toEqual({ available: '70000', debt: '0' });
  });
});

describe("Stripe's lists", () => {
  let quiet: CardApi;
  beforeAll(async () => {
    quiet = await startCardApi();
  });
  afterAll(() => quiet?.stop());

  /** A worker goes through the lists at its start. */
  async function reconcile(): Promise<void> {
    quiet.api.now += 1_000_000n;
    const worker = quiet.startWorker();
    await quiet.listsGoneThrough();
    await quiet.takenIn();
    await worker.stop();
  }

  it('bring what no webhook told: a payment, its refund, its dispute, and a debit that failed', async () => {
    const { order } = await paid(quiet);
    const debit = await quiet.order('10');
    quiet.pay(debit.sessionId, 'bank_debit');
    await reconcile();
    const key = await quiet.claim(order);
    expect(await quiet.credits(key)).toEqual({ available: '100000', debt: '0' });
    expect((await quiet.status(debit)).state.flags).toEqual(['processing']);
    const { bank } = quiet.simulator;
    quiet.api.now += 3n * DAY;
    const charge = quiet.charge(order.sessionId);
    bank.refund(charge, 100);
    bank.settleDebit(quiet.charge(debit.sessionId), 'failed');
    await reconcile();
    expect(await quiet.credits(key)).toEqual({ available: '90000', debt: '0' });
    expect((await quiet.status(debit)).state.flags).toEqual(['failed']);
    quiet.api.now += 5n * DAY;
    const dispute = bank.openDispute(charge, 200);
    await reconcile();
    expect(await quiet.credits(key)).toEqual({ available: '70000', debt: '0' });
    expect(await quiet.alarms(charge.payment_intent)).toEqual(['card_dispute_open']);
    // Losing it moves nothing, so no list tells by its time: the lists were gone through far beyond its beginning.
    quiet.api.now += 10n * DAY;
    await reconcile();
    quiet.api.now += 10n * DAY;
    bank.closeDispute(dispute, 'lost');
    await reconcile();
    expect(await quiet.alarms(charge.payment_intent)).toEqual([]);
  });

  it('gone through twice change nothing', async () => {
    await paid(quiet);
    await reconcile();
    const before = await quiet.everything();
    await reconcile();
    expect(await quiet.everything()).toBe(before);
  });

  it('leave the books what Stripe has', async () => {
    const books = await quiet.balances();
    const { net, fee } = quiet.stripeFigures();
    expect({ cash: books['USD:cash:stripe'], fees: books['USD:fees'] }).toEqual({ cash: net, fees: fee });
  });
});
