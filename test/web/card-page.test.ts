/** The order page by card: its script against the real API, the simulator's page in between. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CardApi, sessionIdOf, startCardApi } from '../support/card-api.ts';
import { type OpenedPage, openPage, type PageOptions } from '../support/page.ts';

const WAIT = { timeout: 60_000, interval: 20 };

let cards: CardApi;
let pages: OpenedPage[] = [];
beforeAll(async () => {
  cards = await startCardApi({ takesWebhooks: true });
  cards.startWorker();
});
afterEach(() => {
  for (const page of pages) page.close();
  pages = [];
});
afterAll(() => cards?.stop());

async function open(options: PageOptions = {}): Promise<OpenedPage> {
  const page = await openPage(cards.api.port, options);
  pages.push(page);
  return page;
}

const until = (check: () => void) => vi.waitFor(check, WAIT);

/** Orders by card in a new tab, up to Stripe's page. */
async function ordered(): Promise<{ storage: Map<string, string>; sessionId: string }> {
  const storage = new Map<string, string>();
  const page = await open({ storage });
  await until(() => expect(page.isShown('order-card')).toBe(true));
  page.element('amount').value = '12.34';
  page.submit('order-form', 'order-card');
  page.submit('order-form', 'order-card');
  await until(() => expect(page.wentTo).toHaveLength(1));
  expect(new URL(page.wentTo[0] ?? '').origin).toBe(cards.simulator.url);
  page.close();
  return { storage, sessionId: sessionIdOf(page.wentTo[0] ?? '') };
}

/** The page after the buyer has submitted Stripe's and was sent back. */
async function paidAndBack(choice: string): Promise<{ page: OpenedPage; sessionId: string }> {
  const { storage, sessionId } = await ordered();
  const { location } = await cards.submit(sessionId, choice);
  return { page: await open({ storage, search: new URL(location ?? '').search }), sessionId };
}

describe('the order page, by card', () => {
  it('leads over Stripe’s page to the receipt and the key', async () => {
    const { page, sessionId } = await paidAndBack('card');
    // Nothing of the order stays in the address.
    expect(page.search).toBe('');
    await until(() => expect(page.text('state')).toBe('Your payment arrived.'));
    expect(page.text('payments')).toBe('$12.34 by card, paid: credited as 123400 credits');
    await until(() => expect(page.isShown('receipt')).toBe(true));
    expect(page.isShown('card')).toBe(false);
    expect(page.text('receipt-remaining')).toBe('123400');
    expect(page.text('receipt-payments')).toMatch(
      /^\$12\.34 by card, paid: credited as 123400 credits Receipt by StripeLot 1 of .+: 123400 of 123400 credits left, renewed 30 times more, until .+$/,
    );
    expect(page.element('receipt-payments').links).toEqual([cards.charge(sessionId).receipt_url]);
    page.click('claim');
    await until(() => expect(page.isShown('key-section')).toBe(true));
    expect(await cards.credits(page.text('key'))).toEqual({ available: '123400', debt: '0' });
    page.click('acknowledge');
    await until(() => expect(page.isShown('key-section')).toBe(false));
  });

  it('says that nothing was paid to who comes back without it, and leads to the same page again', async () => {
    const { storage, sessionId } = await ordered();
    const session = cards.simulator.records.find('checkout.session', sessionId);
    const page = await open({ storage, search: new URL(String(session?.cancel_url)).search });
    await until(() => expect(page.text('state')).toBe('Waiting for your payment.'));
    expect(page.text('notice')).toMatch(/^You have not paid\./);
    expect([page.isShown('notice'), page.isShown('card'), page.isShown('claim')]).toEqual([
      true,
      true,
      false,
    ]);
    page.click('checkout');
    await until(() => expect(page.wentTo.map(sessionIdOf)).toEqual([sessionId]));
  });

  it('says that a card was declined, and lets another be tried', async () => {
    const { storage, sessionId } = await ordered();
    expect((await cards.submit(sessionId, 'card_declined')).status).toBe(402);
    const page = await open({ storage });
    await until(() => expect(page.text('state')).toContain('was declined or has failed'));
    expect([page.isShown('card'), page.isShown('receipt')]).toEqual([true, false]);
    page.click('checkout');
    await until(() => expect(page.wentTo).toHaveLength(1));
    await cards.submit(sessionIdOf(page.wentTo[0] ?? ''), 'card');
    await until(() => expect(page.text('state')).toBe('Your payment arrived.'));
  });

  it('follows a debit that takes days, to its end', async () => {
    const { page, sessionId } = await paidAndBack('bank_debit');
    await until(() => expect(page.text('state')).toContain('Your payment is under way.'));
    expect([page.isShown('card'), page.isShown('claim')]).toEqual([false, false]);
    await cards.dashboard(`charges/${cards.charge(sessionId).id}/succeed`);
    await until(() => expect(page.text('state')).toBe('Your payment arrived.'));
    expect(page.isShown('claim')).toBe(true);
  });

  it('knows nothing in another tab, and says so', async () => {
    const { sessionId } = await ordered();
    const { location } = await cards.submit(sessionId, 'card');
    const page = await open({ search: new URL(location ?? '').search });
    expect(page.text('notice')).toContain('another tab');
    expect(page.isShown('status')).toBe(false);
  });

  it('shows a receipt later, by the order’s secret or the key, with what went back', async () => {
    const order = await cards.order('10');
    cards.pay(order.sessionId);
    await cards.credited(order);
    const key = await cards.claim(order);
    cards.simulator.bank.refund(cards.charge(order.sessionId), 300);
    await cards.statusOnce(order, ({ payments }) => payments[0]?.refunded_usd === '3');
    await cards.takenIn();
    for (const credential of [order.secret, key]) {
      const page = await open();
      page.element('receipt-id').value = order.id;
      page.element('receipt-secret').value = ` ${credential} `;
      page.submit('receipt-form', 'receipt-show');
      await until(() => expect(page.isShown('receipt')).toBe(true));
      expect(page.text('receipt-order')).toBe(order.id);
      expect(page.text('receipt-remaining')).toBe('70000');
      expect(page.text('receipt-payments')).toContain(', $3 refunded');
    }
    const page = await open();
    page.element('receipt-id').value = '../../v1/credits?';
    page.element('receipt-secret').value = key;
    page.submit('receipt-form', 'receipt-show');
    await until(() => expect(page.text('problem')).toContain('There is no order with this id'));
    expect(page.isShown('receipt')).toBe(false);
  });

  it('makes a link of nothing but an address of the web', async () => {
    const order = await cards.order('10');
    const { bank, records } = cards.simulator;
    const session = records.find('checkout.session', order.sessionId);
    if (!session) throw new Error('the simulator does not know the session');
    cards.simulator.webhooks.paused = true;
    bank.submit(session, 'card');
    cards.charge(order.sessionId).receipt_url = 'javascript:alert(1)';
    cards.simulator.webhooks.paused = false;
    await cards.credited(order);
    const page = await open();
    page.element('receipt-id').value = order.id;
    page.element('receipt-secret').value = order.secret;
    page.submit('receipt-form', 'receipt-show');
    await until(() => expect(page.isShown('receipt')).toBe(true));
    expect(page.element('receipt-payments').links).toEqual([]);
  });
});
