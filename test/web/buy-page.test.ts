/** Buying credits in a real Chromium, by card on the simulator's own page, and what is said of every state of an order. */
import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { createPublicClient, createTestClient, createWalletClient, type Hash, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import { installFeeds, pushPrice } from '../../dev/price-feeds.ts';
import { accountName } from '../../ledger/index.ts';
import { expectAccessible } from '../support/accessible.ts';
import { startBrowser } from '../support/browser.ts';
import { type CardApi, sessionIdOf, startCardApi } from '../support/card-api.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { ANSWER } from '../support/intake.ts';
import { LOOKS, Visits } from '../support/visits.ts';
import { linkTo, newWallet, signChallenge } from '../support/wallets.ts';

const WAIT = { timeout: 60_000, interval: 50 };
const HOUR = 3_600_000_000n;

let chain: LocalChain;
let cards: CardApi;
let browser: Browser;
let visits: Visits;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE });
  cards = await startCardApi({ takesWebhooks: true, rpcUrl: chain.rpcUrl });
  await newPrice();
  cards.startWorker();
  browser = await startBrowser();
  visits = new Visits(browser);
});
afterAll(async () => {
  await browser?.close();
  await cards?.stop();
  await chain?.stop();
});
afterEach(() => visits.end());

/** $2,000 per ETH as of the API's time, which is brought to the chain's where that is later. */
async function newPrice(): Promise<void> {
  const client = createPublicClient({ transport: http(chain.rpcUrl) });
  await pushPrice(chain.rpcUrl, ANSWER);
  const now = (await client.getBlock()).timestamp * 1_000_000n;
  if (now > cards.api.now || cards.api.now - now > HOUR / 10n) cards.api.now = now;
}

const at = (path: string) => `http://127.0.0.1:${cards.api.port}${path}`;
const open = (options?: BrowserContextOptions | BrowserContext, path = '/') => visits.open(at(path), options);
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const headline = (page: Page, text: string) =>
  page.getByTestId('headline').getByRole('heading', { name: text, exact: true }).waitFor();
const note = (page: Page, title: string) =>
  page.locator('.note').filter({ has: page.getByRole('heading', { name: title, exact: true }) });

interface StoredOrder {
  readonly id: string;
  readonly secret: string;
  readonly payment: { readonly address: string; readonly amount_wei: string; readonly calldata: Hash };
}
const stored = async (page: Page) =>
  JSON.parse(String(await page.evaluate(`sessionStorage.getItem('order')`))) as StoredOrder | null;

/** Up to Stripe's page, by card. */
async function ordered(amount: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await open(options);
  await page.getByLabel('Amount in US dollars').fill(amount);
  await button(page, 'Pay with Card').click();
  await page.waitForURL(`${cards.simulator.url}/pay/**`);
  return page;
}

/** Back from Stripe's page and credited. */
async function bought(amount: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await ordered(amount, options);
  await button(page, /with a card that works/).click();
  await headline(page, 'Credited');
  return page;
}

/** An order in ETH, with its page open. */
async function orderedInEth(amount = '1'): Promise<{ page: Page; order: StoredOrder }> {
  const page = await open();
  await page.getByLabel('Amount in US dollars').fill(amount);
  await button(page, 'Pay with Crypto').click();
  await headline(page, 'Waiting for your payment');
  const order = await stored(page);
  if (order === null) throw new Error('no order is stored');
  return { page, order };
}

const pay = ({ payment }: StoredOrder, amountWei = BigInt(payment.amount_wei)) =>
  cards.api.intake.pay({ calldata: payment.calldata, amountWei });

/** Says that the key is saved, as somebody who has it. */
async function confirm(page: Page): Promise<string> {
  const key = (await page.getByTestId('secure-key').textContent()) ?? '';
  await page.getByLabel(/type the last four characters/).fill(key.slice(-4));
  await button(page, 'I saved it').click();
  await page.getByRole('heading', { name: 'Saved' }).waitFor();
  return key;
}

describe('what is told before paying', () => {
  it('is what one gets, until when, and what it is in ETH, as one types', async () => {
    const page = await open({ timezoneId: 'Asia/Tokyo' });
    await page.getByTestId('eth').waitFor();
    expect(await page.getByTestId('credits').textContent()).toBe('100,000');
    await button(page, '$25').click();
    expect(await page.getByTestId('credits').textContent()).toBe('250,000');
    expect(await page.getByTestId('eth').textContent()).toBe('0.0125');
    await page.getByLabel('Amount in US dollars').fill('0.123456');
    expect(await page.getByTestId('credits').textContent()).toBe('1,234.56');
    expect(await page.getByTestId('eth').textContent()).toBe('0.00006173');
    await page.getByText('$2,000 per ETH, Chainlink ETH/USD on Base (a stand-in)').waitFor();
    expect(await page.getByTestId('price-age').textContent()).toMatch(/^\d+ s old$/);
    // 00:00 UTC in Tokyo.
    await page.getByText('00:00 UTC (09:00 where you are)').waitFor();
    const expiry = Date.parse(String(await page.getByTestId('expiry').getAttribute('datetime')));
    const paidNow = Number(cards.api.now / 1000n) + 30 * 86_400_000;
    expect(Math.abs(expiry - paidNow)).toBeLessThan(120_000);
  });

  const MISTAKES: [amount: string, method: string, said: RegExp][] = [
    ['', 'Pay with Crypto', /Enter an amount/],
    ['0', 'Pay with Crypto', /more than 0/],
    ['-5', 'Pay with Card', /more than 0/],
    ['1000000.01', 'Pay with Crypto', /At most \$1,000,000/],
    ['12,50', 'Pay with Card', /plain digits/],
    ['1e3', 'Pay with Crypto', /plain digits/],
    ['0.0000001', 'Pay with Crypto', /plain digits/],
    ['007', 'Pay with Card', /plain digits/],
    ['12.345', 'Pay with Card', /whole cents/],
    ['0.49', 'Pay with Card', /at least \$0.50/],
  ];
  it('is what is wrong with an amount, without asking the API', async () => {
    const page = await open();
    await button(page, 'Pay with Card').waitFor();
    for (const [amount, method, said] of MISTAKES) {
      await page.getByLabel('Amount in US dollars').fill(amount);
      await button(page, method).click();
      await page.getByRole('alert').filter({ hasText: said }).waitFor();
    }
    expect(visits.count('POST /v1/orders')).toBe(0);
    // The API's rules are these.
    for (const [amount, method] of MISTAKES) {
      const json = { amount_usd: amount, method: method === 'Pay with Card' ? 'card' : 'eth' };
      expect((await cards.api.call('POST', '/v1/orders', { json })).status, amount).toBe(400);
    }
  });

  it('offers no card where none is taken, and goes without a price', async () => {
    const context = await visits.person();
    await context.route('**/v1/payment-methods', async route => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), methods: ['eth'] } });
    });
    await context.route('**/v1/price', route =>
      route.fulfill({
        status: 503,
        json: { code: 'price_unavailable', detail: 'There is no valid ETH price.' },
      }),
    );
    const page = await open(context);
    await button(page, 'Pay with Crypto').waitFor();
    await page.getByText('There is no valid ETH price.').waitFor();
    expect(await button(page, 'Pay with Card').count()).toBe(0);
    expect(await page.getByTestId('credits').textContent()).toBe('100,000');
  });

  it('is what the API declines, beside the button, which can be pressed again', async () => {
    const context = await visits.person();
    let refuse = true;
    await context.route('**/v1/orders', route =>
      refuse
        ? route.fulfill({ status: 503, json: { code: 'price_unavailable', detail: 'Try again shortly.' } })
        : route.fallback(),
    );
    const page = await open(context);
    await button(page, 'Pay with Crypto').click();
    await section(page, '3. Pay').getByRole('alert').filter({ hasText: 'Try again shortly.' }).waitFor();
    refuse = false;
    await button(page, 'Pay with Crypto').click();
    await headline(page, 'Waiting for your payment');
  });
});

describe('by card', () => {
  it('leads over Stripe’s page to the receipt and the key, which is shown until it is saved', async () => {
    const context = await visits.person({ permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await open(context);
    await page.getByLabel('Amount in US dollars').fill('12.34');
    // What was typed is there after a reload; a double click is one order.
    await page.reload();
    expect(await page.getByLabel('Amount in US dollars').inputValue()).toBe('12.34');
    await button(page, 'Pay with Card').dblclick();
    await page.waitForURL(`${cards.simulator.url}/pay/**`);
    expect(visits.count('POST /v1/orders')).toBe(1);
    const sessionId = sessionIdOf(page.url());
    await page.reload();
    await button(page, 'Pay $12.34 with a card that works').click();

    await headline(page, 'Credited');
    // Nothing of the order stays in the address.
    expect(page.url()).toBe(at('/'));
    await page.reload();
    await headline(page, 'Credited');
    const progress = section(page, 'Progress');
    await progress.getByText('$12.34 by card, paid: credited as 123,400 credits').first().waitFor();
    await vi.waitFor(
      async () => expect(await page.getByTestId('receipt-remaining').textContent()).toBe('123,400'),
      WAIT,
    );
    await progress.getByText(/Lot 1 of .*: 123,400 of 123,400 credits left, renewed 30 times more/).waitFor();
    const link = progress.getByRole('link', { name: 'Receipt by Stripe' }).first();
    expect(await link.getAttribute('href')).toBe(cards.charge(sessionId).receipt_url);
    expect(await button(page, 'Go to the payment page').count()).toBe(0);

    await page.getByRole('link', { name: 'Get my Secure Key' }).click();
    await button(page, 'Show my Secure Key').click();
    const key = (await page.getByTestId('secure-key').textContent()) ?? '';
    await page.reload();
    expect(await page.getByTestId('secure-key').textContent()).toBe(key);
    await button(page, 'Copy').click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key);
    const [file] = await Promise.all([page.waitForEvent('download'), button(page, 'Download').click()]);
    expect(file.suggestedFilename()).toBe('secure-key.txt');
    expect((await readFile(await file.path(), 'utf8')).split('\n')).toContain(key);

    await page.getByLabel(/type the last four characters/).fill('nope');
    await button(page, 'I saved it').click();
    await page.getByText('These are not its last four characters').waitFor();
    expect(visits.asked.some(asked => asked.endsWith('/acknowledge'))).toBe(false);
    expect(await confirm(page)).toBe(key);
    expect(await cards.credits(key)).toEqual({ available: '123400', debt: '0' });
    // Neither the key nor the order's secret is anywhere any more, and neither was ever in an address.
    expect(await page.evaluate(`JSON.stringify(sessionStorage)`)).not.toMatch(/ai(sk|os)_/);
    expect(visits.addresses.filter(address => /ai[a-z]{2}_/.test(address))).toEqual([]);
    await page.reload();
    await page.getByText('There is no order in this tab').waitFor();
  });

  it('says that a card was declined, and lets another be tried', async () => {
    const page = await ordered('3');
    await button(page, 'Pay with a card that is declined').click();
    await page.getByText('Your card was declined.').waitFor();
    await page.goto(at('/'));
    await headline(page, 'The payment was declined');
    await button(page, 'Go to the payment page').click();
    await button(page, /with a card that works/).click();
    await headline(page, 'Credited');
    await note(page, 'A try failed').waitFor({ state: 'detached' });
  });

  it('says that nothing was paid to who comes back without it, and leads to the same page again', async () => {
    const page = await ordered('3');
    const url = page.url();
    await page.getByRole('link', { name: 'Back without paying' }).click();
    await page.getByText('You left the payment page: nothing was paid.').waitFor();
    await headline(page, 'Not paid yet');
    expect(page.url()).toBe(at('/'));
    await button(page, 'Go to the payment page').click();
    await page.waitForURL(url);
  });

  it('opens a new page where the one before has expired', async () => {
    const page = await ordered('3');
    const url = page.url();
    const before = cards.api.now;
    cards.api.now += 25n * HOUR;
    try {
      const session = cards.simulator.records.find('checkout.session', sessionIdOf(url));
      if (session) session.status = 'expired';
      await page.goto(at('/'));
      await button(page, /payment page/).click();
      await page.waitForURL(to => to.href.startsWith(`${cards.simulator.url}/pay/`) && to.href !== url);
      await button(page, /with a card that works/).click();
      await headline(page, 'Credited');
    } finally {
      cards.api.now = before;
    }
  });

  it('follows a debit that takes days, to its end, also in another browser with the file of the order', async () => {
    const page = await ordered('3');
    const sessionId = sessionIdOf(page.url());
    await button(page, /bank debit/).click();
    await headline(page, 'Your payment is under way');
    expect(await button(page, 'Go to the payment page').count()).toBe(0);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      button(page, 'Save this order as a file').click(),
    ]);
    const text = await readFile(await file.path(), 'utf8');
    const later = await open();
    await later.getByRole('textbox', { name: 'Order' }).fill(/Order: (\S+)/.exec(text)?.[1] ?? '');
    await later.getByLabel('Its secret, or your Secure Key').fill(/Secret: (\S+)/.exec(text)?.[1] ?? '');
    await button(later, 'Go on with this order').click();
    await headline(later, 'Your payment is under way');
    await cards.dashboard(`charges/${cards.charge(sessionId).id}/succeed`);
    await headline(later, 'Credited');
    await headline(page, 'Credited');
  });

  it('tells of money that went back', async () => {
    const page = await ordered('10');
    const sessionId = sessionIdOf(page.url());
    await button(page, /with a card that works/).click();
    await headline(page, 'Credited');
    cards.simulator.bank.refund(cards.charge(sessionId), 300);
    await note(page, 'Refunded').getByText('its credits were taken back').waitFor();
    await section(page, 'Progress').getByText('$3 refunded').first().waitFor();
    cards.simulator.bank.openDispute(cards.charge(sessionId), 700);
    await headline(page, 'Your payment went back to you');
    await note(page, 'Disputed').getByText('tell your bank so').waitFor();
  });

  it('knows nothing in another tab, and says so', async () => {
    const page = await ordered('3');
    const session = cards.simulator.records.find('checkout.session', sessionIdOf(page.url()));
    const elsewhere = await visits.open(String(session?.success_url));
    await elsewhere.getByText('made in another tab or browser').waitFor();
    expect(elsewhere.url()).toBe(at('/'));
    await button(elsewhere, 'Pay with Card').waitFor();
  });
});

describe('a top-up', () => {
  it('is for the account of a key, whose typos are told without asking, and gives no new one', async () => {
    const customer = await cards.api.customer();
    const page = await open();
    await page.getByLabel('a key that I have').check();
    await page.getByLabel('Secure Key', { exact: true }).fill(customer.secureKey.replace(/.$/, '?'));
    await button(page, 'Pay with Card').click();
    await page.getByRole('alert').filter({ hasText: 'copy it whole' }).waitFor();
    expect(visits.count('POST /v1/orders')).toBe(0);
    await page.getByLabel('Secure Key', { exact: true }).fill(` ${customer.secureKey} `);
    await button(page, 'Pay with Card').click();
    await button(page, /with a card that works/).click();
    await headline(page, 'Credited');
    await page.getByRole('heading', { name: 'Added to your account' }).waitFor();
    expect(await page.getByRole('link', { name: /Secure Key|new key/ }).count()).toBe(0);
    expect((await cards.credits(customer.secureKey)).available).toBe('110000');
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain(customer.secureKey);
    await page.goto(at('/key'));
    await page.getByText('its credits were added to your account: there is no new key').waitFor();
  });

  it('is for who is signed in, unless a new key is wanted', async () => {
    const { secureKey } = await cards.api.customer();
    const context = await visits.person();
    const headers = { authorization: `Bearer ${secureKey}` };
    expect((await context.request.post(at('/v1/session'), { headers })).status()).toBe(201);
    const page = await open(context);
    await vi.waitFor(
      async () => expect(await page.getByLabel(/my account, where I am signed in/).isChecked()).toBe(true),
      WAIT,
    );
    await button(page, 'Pay with Card').click();
    await button(page, /with a card that works/).click();
    await page.getByRole('heading', { name: 'Added to your account' }).waitFor();
    expect((await cards.credits(secureKey)).available).toBe('110000');

    await button(page, 'Start another order').click();
    await page.getByLabel('a new Secure Key').check();
    await button(page, 'Pay with Crypto').click();
    await headline(page, 'Waiting for your payment');
    await section(page, 'Your order').getByText('with a new Secure Key').waitFor();
  });

  it('chooses nobody for the buyer, and takes no order, until it is known who is signed in', async () => {
    const { secureKey } = await cards.api.customer();
    const context = await visits.person();
    const headers = { authorization: `Bearer ${secureKey}` };
    expect((await context.request.post(at('/v1/session'), { headers })).status()).toBe(201);
    const answered = Promise.withResolvers<void>();
    await context.route('**/v1/session', async route => {
      await answered.promise;
      await route.continue();
    });
    const page = await open(context);
    const newKey = page.getByLabel('a new Secure Key');
    await button(page, 'Pay with Crypto').waitFor();
    expect(await newKey.isChecked()).toBe(false);
    expect(await button(page, 'Pay with Crypto').isDisabled()).toBe(true);
    await page.getByLabel('Amount in US dollars').press('Enter');
    await newKey.check();
    expect(await button(page, 'Pay with Crypto').isDisabled()).toBe(false);
    answered.resolve();
    await page.getByLabel(/my account, where I am signed in/).waitFor();
    expect(await newKey.isChecked()).toBe(true);
    expect(visits.count('POST /v1/orders')).toBe(0);
    await button(page, 'Pay with Crypto').click();
    await section(page, 'Your order').getByText('with a new Secure Key').waitFor();
  });

  it('in ETH is quoted anew with the key while the page has it, and asks for it after a reload', async () => {
    const { secureKey } = await cards.api.customer();
    const page = await open();
    await page.getByLabel('a key that I have').check();
    await page.getByLabel('Secure Key', { exact: true }).fill(secureKey);
    await button(page, 'Pay with Crypto').click();
    await headline(page, 'Waiting for your payment');
    await afterQuotes(async () => {
      await button(page, 'Get a new quote').click();
      await headline(page, 'Waiting for your payment');
      const again = await stored(page);
      await page.reload();
      await headline(page, 'Waiting for your payment');
      expect((await stored(page))?.id).toBe(again?.id);
      await afterQuotes(async () => {
        await button(page, 'Get a new quote').click();
        await button(page, 'Pay with Crypto').waitFor();
      });
    });
  });
});

/** Runs `look` when the quotes that were given have run out. */
async function afterQuotes(look: () => Promise<void>): Promise<void> {
  const before = cards.api.now;
  cards.api.now += 601_000_000n;
  try {
    await look();
  } finally {
    cards.api.now = before;
  }
}

describe('in ETH', () => {
  it('shows each step of the payment, and what else there is to know of it', async () => {
    const { page, order } = await orderedInEth('2');
    await page.getByTestId('quote-left').waitFor();
    expect(await page.getByTestId('quote-left').textContent()).toMatch(/^(?:9|10) min \d\d s$/);
    const steps = page.getByRole('list', { name: 'Progress' });
    const done = async () => await steps.locator('.done').count();

    // On its way: the chain has it in no block yet.
    const control = createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) });
    await control.setAutomine(false);
    const account = privateKeyToAccount(DEV_ACCOUNTS[1].privateKey);
    const wallet = createWalletClient({ account, chain: base, transport: http(chain.rpcUrl) });
    const value = BigInt(order.payment.amount_wei);
    const hash = await wallet.sendTransaction({
      to: order.payment.address as Hash,
      data: order.payment.calldata,
      value,
      gas: 50_000n,
    });
    await headline(page, 'Seen');
    await section(page, 'Progress').getByText(hash).waitFor();
    expect(await done()).toBe(2);
    await page.reload();
    await headline(page, 'Seen');
    await control.setAutomine(true);
    await control.mine({ blocks: 1 });

    const transfer = { transactionHash: hash };
    const payment = await cards.api.intake.record({
      calldata: order.payment.calldata,
      amountWei: value,
      transfer,
    });
    await headline(page, 'Confirmed');
    await note(page, 'Waiting for a price').getByText('Do not pay again').waitFor();
    expect(await done()).toBe(3);
    await cards.api.intake.price(payment);
    await cards.api.intake.deliver();
    await headline(page, 'Credited');
    expect(await done()).toBe(4);
    await section(page, 'Progress').getByText('Credited as 20,000 credits ($2)').waitFor();
    // Nobody who has paid is led to pay again.
    expect(await page.getByTestId('quote-left').count()).toBe(0);

    await page.getByLabel('Transaction hash').fill(hash);
    await button(page, 'Look it up').click();
    await page.getByRole('heading', { name: 'Credited', exact: true, level: 3 }).nth(1).waitFor();

    await cards.api.intake.vanish(payment);
    await headline(page, 'Not in a block any more');
    await note(page, 'Taken back by the network').getByText('credited again by itself').waitFor();
    expect(await done()).toBe(1);
  });

  const STATES: [title: string, happens: (order: StoredOrder) => Promise<unknown>, todo: RegExp][] = [
    ['Less than the order', order => pay(order, BigInt(order.payment.amount_wei) / 4n), /leave it so/],
    ['Overpaid', order => pay(order, 2n * BigInt(order.payment.amount_wei)), /nothing to do/],
    ['After the quote', order => afterQuotes(() => pay(order).then(() => {})), /nothing to do/],
    [
      'Kept back',
      async order => {
        await pay(order);
        await pay(order, BigInt(order.payment.amount_wei) / 10n);
      },
      /claim it with your key and wallet/,
    ],
  ];
  it.each(STATES)(
    'says of an order that is “%s” what happened and what to do',
    async (title, happens, todo) => {
      const { page, order } = await orderedInEth();
      await happens(order);
      await headline(page, 'Credited');
      await note(page, title).getByText(todo).waitFor();
      await page.reload();
      await note(page, title).waitFor();
    },
  );

  it('shows one address whole, where to pay, and none that a sender could have chosen', async () => {
    const { page, order } = await orderedInEth();
    const { address } = order.payment;
    expect(address.toLowerCase()).toBe(PAYMENT_ADDRESS);
    await section(page, 'Pay with crypto').getByText('What to check in the wallet').click();
    const text = async () => String(await page.evaluate('document.body.innerText'));
    const addresses = async () => new Set((await text()).match(/0x[0-9a-fA-F]{40}(?![0-9a-fA-F])/g));
    expect(await addresses()).toEqual(new Set([address]));
    // Dust from an address that looks like ours; then the payment itself, from another.
    const lookalike = `${PAYMENT_ADDRESS.slice(0, 6)}${'0'.repeat(32)}${PAYMENT_ADDRESS.slice(-4)}`;
    const { calldata, amount_wei } = order.payment;
    const transfer = { fromAddress: lookalike };
    await cards.api.intake.pay({ calldata, amountWei: BigInt(amount_wei), transfer });
    await headline(page, 'Credited');
    await page.getByTestId('receipt-remaining').waitFor();
    expect(await addresses()).toEqual(new Set());
    expect(await text()).not.toMatch(/0x[0-9a-fA-F]{1,12}…|\b0x[0-9a-fA-F]{1,12}\b/);
  });

  it('says that the price has run out, orders anew, and keeps the order before', async () => {
    const { page, order } = await orderedInEth();
    await afterQuotes(async () => {
      await headline(page, 'The quoted price has run out');
      await button(page, 'Get a new quote').dblclick();
      await headline(page, 'Waiting for your payment');
    });
    expect(visits.count('POST /v1/orders')).toBe(2);
    expect((await stored(page))?.id).not.toBe(order.id);
    // It was paid after all.
    await pay(order);
    await button(page, `Go on with order ${order.id}`).click();
    await headline(page, 'Credited');
    await page.getByRole('link', { name: 'Get my Secure Key' }).waitFor();
  });

  it('is set aside for another, and forgotten only after a warning', async () => {
    const { page, order } = await orderedInEth();
    await button(page, 'Start another order').click();
    await button(page, 'Pay with Crypto').waitFor();
    await page.reload();
    await button(page, `Go on with order ${order.id}`).click();
    await headline(page, 'Waiting for your payment');
    await button(page, 'Forget this order').click();
    await page.getByText('only the operator can help').waitFor();
    await button(page, 'Keep').click();
    await page.reload();
    await button(page, 'Forget this order').click();
    await button(page, 'Yes, forget').click();
    await button(page, 'Pay with Crypto').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('aios_');
  });

  it('that is not known any more can be left', async () => {
    const { page } = await orderedInEth();
    await page.evaluate(`(() => {
      const order = JSON.parse(sessionStorage.getItem('order'));
      sessionStorage.setItem('order', JSON.stringify({ ...order, id: 'ord_' + 'A'.repeat(24) }));
    })()`);
    await page.reload();
    await page.getByText('There is no order with this id and secret').waitFor();
    await button(page, 'Begin anew').click();
    await button(page, 'Pay with Crypto').waitFor();
  });
});

describe('the key page', () => {
  it('says that a key that was claimed before is replaced, and which is the last is told by the API', async () => {
    const page = await bought('1');
    const order = await stored(page);
    if (order === null) throw new Error('no order is stored');
    const path = `/v1/orders/${order.id}/claim`;
    const before = await cards.api.call<{ secure_key: string }>('POST', path, { bearer: order.secret });
    await page.getByRole('link', { name: 'Ask for a new key' }).click();
    await page.getByText('the one before stops working: whoever has saved it').waitFor();
    await button(page, /Ask for a new key/).click();
    const key = await page.getByTestId('secure-key').textContent();
    expect(key).not.toBe(before.body.secure_key);
    // Claimed once more elsewhere.
    const { body } = await cards.api.call<{ secure_key: string }>('POST', path, { bearer: order.secret });
    await page.getByLabel(/type the last four characters/).fill(String(key).slice(-4));
    await button(page, 'I saved it').click();
    await page.getByRole('alert').filter({ hasText: 'a later claim revoked it' }).waitFor();
    await button(page, /Ask for a new key/).click();
    await vi.waitFor(
      async () => expect(await page.getByTestId('secure-key').textContent()).not.toBe(key),
      WAIT,
    );
    const saved = await confirm(page);
    expect(saved).not.toBe(body.secure_key);
    expect((await cards.credits(saved)).available).toBe('10000');
  });

  it('gives out no further key once the one before was used, and says what to do then', async () => {
    const page = await bought('1');
    const order = await stored(page);
    const path = `/v1/orders/${order?.id}/claim`;
    const { body } = await cards.api.call<{ secure_key: string }>('POST', path, {
      bearer: String(order?.secret),
    });
    expect(
      (await cards.api.debit({ secureKey: body.secure_key }, '1', 'used-before-it-was-saved')).status,
    ).toBe(201);
    await page.getByText('only while nothing was done with it').waitFor();
    await page.getByRole('link', { name: 'Ask for a new key' }).click();
    await button(page, /Ask for a new key/).click();
    await page.getByRole('alert').filter({ hasText: 'it is not given out again' }).waitFor();
    expect(await page.getByRole('link', { name: 'recover it by that wallet' }).getAttribute('href')).toBe(
      '/recover',
    );
    expect((await cards.credits(body.secure_key)).available).toBe('9999');
  });

  it('keeps no key that was saved in another tab', async () => {
    const page = await bought('1');
    const order = await stored(page);
    await page.getByRole('link', { name: 'Get my Secure Key' }).click();
    await button(page, 'Show my Secure Key').click();
    const key = await page.getByTestId('secure-key').textContent();
    const acknowledged = await cards.api.call('POST', `/v1/orders/${order?.id}/acknowledge`, {
      bearer: String(order?.secret),
      json: { secure_key: key },
    });
    expect(acknowledged.status).toBe(204);
    await page.getByRole('heading', { name: 'Saved' }).waitFor();
    await vi.waitFor(
      async () => expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('aisk_'),
      WAIT,
    );
  });

  it('shows nothing before the order is credited', async () => {
    const { page } = await orderedInEth();
    await page.goto(at('/key'));
    await page.getByText('This order is not credited yet').waitFor();
  });

  it('asks for the key of a recovery once, and shows it until it is saved', async () => {
    const { api } = cards;
    const before = api.now;
    const customer = await api.customer();
    const wallet = newWallet();
    await linkTo(api, wallet, customer.secureKey);
    api.now += 73n * HOUR;
    try {
      const { json, bearer } = await signChallenge(api, 'recover', wallet);
      const page = await open({}, '/key');
      const recovery = JSON.stringify(JSON.stringify({ ...json, session: bearer }));
      await page.evaluate(`sessionStorage.setItem('recovery', ${recovery})`);
      await page.reload();
      await page.getByRole('heading', { name: 'Your account is recovered' }).waitFor();
      const key = await page.getByTestId('secure-key').textContent();
      await page.reload();
      expect(await page.getByTestId('secure-key').textContent()).toBe(key);
      expect(visits.count('POST /v1/wallets/recoveries')).toBe(1);
      expect(await confirm(page)).toBe(key);
      expect((await api.call('GET', '/v1/key', { bearer: String(key) })).status).toBe(200);
      expect((await api.call('GET', '/v1/key', { bearer: customer.secureKey })).status).toBe(401);
      expect(await page.evaluate('sessionStorage.length')).toBe(0);

      // Signed once, used once.
      await page.evaluate(`sessionStorage.setItem('recovery', ${recovery})`);
      await page.reload();
      await page.getByRole('link', { name: 'Back to the recovery' }).waitFor();
      expect(await page.getByRole('alert').textContent()).not.toBe('');
    } finally {
      api.now = before;
    }
  });

  it('shows the key that was asked for last, and says which other one waits to be saved', async () => {
    const { api } = cards;
    const before = api.now;
    const page = await bought('1');
    const holders = [newWallet(), newWallet()] as const;
    const accounts: string[] = [];
    for (const wallet of holders) {
      const customer = await api.customer();
      await linkTo(api, wallet, customer.secureKey);
      accounts.push(accountName(customer.accountId));
    }
    api.now += 73n * HOUR;
    try {
      const shownKey = async () => String(await page.getByTestId('secure-key').textContent());
      const opens = async (key: string) =>
        (await api.call<{ account: string }>('GET', '/v1/key', { bearer: key })).body.account;
      /** As the page of recoveries leaves it. */
      const recover = async (recovery: object) => {
        const text = JSON.stringify(JSON.stringify(recovery));
        await page.evaluate(`sessionStorage.setItem('recovery', ${text})`);
        await page.goto(at('/key'));
      };
      const signed = async (wallet: (typeof holders)[number]) => {
        const { json, bearer } = await signChallenge(api, 'recover', wallet);
        return { ...json, session: bearer };
      };
      await recover(await signed(holders[0]));
      await page.getByText(`Account ${accounts[0]}`).waitFor();
      const first = await shownKey();
      const again = await signed(holders[1]);
      await recover(again);
      await page.getByText(`Account ${accounts[1]}`).waitFor();
      const second = await shownKey();
      expect([await opens(first), await opens(second)]).toEqual(accounts);
      // One that is refused costs none of them.
      await page.goto(at('/'));
      await recover(again);
      await page.getByRole('link', { name: 'Back to the recovery' }).waitFor();
      await button(page, 'Show that key').click();
      expect(await shownKey()).toBe(second);

      await page.goto(at('/'));
      await page.getByRole('link', { name: 'Get my Secure Key' }).click();
      await button(page, 'Show my Secure Key').click();
      const ordered = await shownKey();
      await page.reload();
      expect(await confirm(page)).toBe(ordered);
      expect(accounts).not.toContain(await opens(ordered));
      await page.getByText('A recovery in this tab has a key, too').waitFor();
      await button(page, 'Show the key of the recovery').click();
      expect(await confirm(page)).toBe(second);
      await button(page, 'Show that key').click();
      expect(await confirm(page)).toBe(first);
      expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toMatch(/ai(sk|os)_/);
    } finally {
      api.now = before;
    }
  });
});

describe('help', () => {
  it('finds a payment by its transaction, and says what to do', async () => {
    const page = await open();
    const field = page.getByLabel('Transaction hash');
    for (const [text, said] of [
      ['', /Paste the hash/],
      ['0x1234', /copy it whole/],
      [`0x${'ab'.repeat(20)}`, /This is an address/],
    ] as const) {
      await field.fill(text);
      await button(page, 'Look it up').click();
      await page.getByRole('alert').filter({ hasText: said }).waitFor();
    }
    expect(visits.asked.filter(asked => asked.includes('/v1/payments/'))).toEqual([]);

    const stray = await cards.api.intake.pay({ calldata: '0x', amountWei: 10n ** 15n });
    const customer = await cards.api.customer();
    for (const [hash, title, said] of [
      [`0x${'ab'.repeat(32)}`, 'Not found', 'it must be Base'],
      [stray.transactionHash, 'In suspense', 'or contact the operator with this hash'],
      [` ${customer.payment.transactionHash} `, 'Credited', 'look at /account'],
    ] as const) {
      await field.fill(hash);
      await button(page, 'Look it up').click();
      await page.getByRole('heading', { name: title, exact: true }).waitFor();
      await page.getByText(said).waitFor();
    }
  });

  it('shows a receipt later, by the order’s secret or the key, and links to nothing but the web', async () => {
    const order = await cards.order('10');
    cards.pay(order.sessionId);
    await cards.credited(order);
    const key = await cards.claim(order);
    for (const credential of [order.secret, key]) {
      const page = await open();
      await page.getByRole('textbox', { name: 'Order' }).fill(order.id);
      await page.getByLabel('Its secret, or your Secure Key').fill(` ${credential} `);
      await button(page, 'Show the receipt').click();
      await vi.waitFor(
        async () => expect(await page.getByTestId('receipt-remaining').textContent()).toBe('100,000'),
        WAIT,
      );
      expect(await page.getByRole('link', { name: 'Receipt by Stripe' }).count()).toBe(1);
    }
    const context = await visits.person();
    await context.route('**/receipt', async route => {
      const response = await route.fetch();
      const text = (await response.text()).replace(
        /"receipt_url":"[^"]*"/,
        '"receipt_url":"javascript:alert(1)"',
      );
      await route.fulfill({ response, body: text });
    });
    const page = await open(context);
    await page.getByRole('textbox', { name: 'Order' }).fill(order.id);
    await page.getByLabel('Its secret, or your Secure Key').fill(key);
    await button(page, 'Show the receipt').click();
    await page.getByTestId('receipt-remaining').waitFor();
    expect(await page.getByRole('link', { name: 'Receipt by Stripe' }).count()).toBe(0);
    await page.getByRole('textbox', { name: 'Order' }).fill('../../v1/credits?');
    await button(page, 'Show the receipt').click();
    await page.getByRole('alert').filter({ hasText: 'There is no order with this id' }).waitFor();
  });
});

describe('for everybody', () => {
  it.each(LOOKS)('%s: nothing serious by axe, nothing wider than the screen', async (name, options) => {
    const page = await open(options);
    await page.getByTestId('eth').waitFor();
    for (const summary of await page.locator('summary').all()) await summary.click();
    await expectAccessible(page, `buy-${name}`);
    await button(page, 'Pay with Crypto').click();
    await headline(page, 'Waiting for your payment');
    const order = await stored(page);
    if (order === null) throw new Error('no order is stored');
    await expectAccessible(page, `buy-crypto-${name}`);
    await pay(order, BigInt(order.payment.amount_wei) / 4n);
    await headline(page, 'Credited');
    await page.getByTestId('receipt-remaining').waitFor();
    await expectAccessible(page, `buy-credited-${name}`);
    await page.getByRole('link', { name: 'Get my Secure Key' }).click();
    await button(page, 'Show my Secure Key').click();
    await page.getByTestId('secure-key').waitFor();
    await expectAccessible(page, `key-${name}`);
  });

  it('is used by keyboard alone', async () => {
    const page = await open();
    await page.getByLabel('Amount in US dollars').focus();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText('7');
    const focused = () => page.evaluate('document.activeElement.textContent');
    for (let tabs = 0; tabs < 20 && (await focused()) !== 'Pay with Crypto'; tabs += 1)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await headline(page, 'Waiting for your payment');
    expect(await page.getByText('70,000').first().isVisible()).toBe(true);
  });
});
