/** The operators' page in a real Chromium, on the real API. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { accountName } from '../../ledger/index.ts';
import type { ApiUnderTest } from '../support/api.ts';
import { startBrowser } from '../support/browser.ts';
import { type CardApi, startCardApi } from '../support/card-api.ts';
import { expectGoodLook, PHONE } from '../support/page-look.ts';

const DOLLAR_WEI = 500_000_000_000_000n;

let cards: CardApi;
let api: ApiUnderTest;
let browser: Browser;
beforeAll(async () => {
  cards = await startCardApi();
  api = cards.api;
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await cards?.stop();
});

/** What pages complained of: a script that threw, a file or a style that the CSP stopped. */
const complaints: string[] = [];
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  expect(complaints.splice(0)).toEqual([]);
});

async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on('pageerror', error => complaints.push(error.message));
  page.on('console', message => {
    // The browser says of every answer that is an error that it is one; those are the API's to tell.
    if (message.type() === 'error' && !/the server responded with a status/.test(message.text()))
      complaints.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${api.port}/operator`);
  return page;
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Operator token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function opened(options?: BrowserContextOptions): Promise<Page> {
  const page = await openPage(options);
  await signIn(page, api.operatorToken);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return page;
}

const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).first();

/** A payment that nothing tells the owner of. */
const stray = () => api.intake.pay({ calldata: '0x', amountWei: DOLLAR_WEI });

async function indebted(): Promise<string> {
  const customer = await api.customer();
  await api.debit(customer, '1234.5', `debit-${customer.accountId}`);
  await api.intake.vanish(customer.payment);
  return accountName(customer.accountId);
}

describe('signing in', () => {
  it('takes an operator token and nothing else, and keeps it nowhere', async () => {
    const page = await openPage();
    const { secureKey } = await api.customer();
    for (const other of [secureKey, api.serviceToken]) {
      await signIn(page, other);
      await page.getByRole('alert').filter({ hasText: /token/i }).waitFor();
    }
    await signIn(page, api.operatorToken);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(
      await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie, location.search]'),
    ).toEqual([0, 0, '', '']);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Operator token').waitFor();
  });
});

describe('what needs a person', () => {
  it('a payment in suspense is assigned with a reason, and is then credited', async () => {
    const receipt = await stray();
    const customer = await api.customer();
    const page = await opened();
    const payment = page.getByRole('article', { name: `Payment ${receipt.transactionHash}` });
    await payment.getByText('Nothing tells whose it is.').waitFor();
    await payment.getByLabel('Account or order').fill(accountName(customer.accountId));
    await payment.getByLabel('Reason').fill('its owner has signed for it');
    await payment.getByRole('button', { name: 'Assign' }).click();
    await section(page, 'Suspense')
      .getByText(`is now of ${accountName(customer.accountId)}`)
      .waitFor();
    await payment.waitFor({ state: 'detached' });
    const { body } = await api.call('GET', '/v1/credits', { bearer: customer.secureKey });
    expect(body.available).toBe('20000');
  });

  it('says what the API says of an account that there is not', async () => {
    const receipt = await stray();
    const page = await opened();
    const payment = page.getByRole('article', { name: `Payment ${receipt.transactionHash}` });
    await payment.getByLabel('Account or order').fill('acct_0000000000000001');
    await payment.getByLabel('Reason').fill('a guess');
    await payment.getByRole('button', { name: 'Assign' }).click();
    await payment.getByRole('alert').filter({ hasText: 'There is no such account' }).waitFor();
  });

  it('shows debts, and the newest payments of both rails with how far each has come', async () => {
    const account = await indebted();
    const order = await cards.order('12.50');
    cards.pay(order.sessionId);
    await cards.credited(order);
    const page = await opened();
    await section(page, 'Debts').getByRole('row').filter({ hasText: account }).getByText('1,234.5').waitFor();
    const newest = section(page, 'Newest payments');
    await newest
      .getByRole('row')
      .filter({ hasText: '$12.5' })
      .filter({ hasText: 'card' })
      .getByText('credited')
      .waitFor();
    await newest
      .getByRole('row')
      .filter({ hasText: account })
      .getByText('taken back by the chain')
      .first()
      .waitFor();
  });
});

describe('figures', () => {
  it('reconciles when asked to, and says what was not compared', async () => {
    const page = await opened();
    const reconciliation = section(page, 'Reconciliation');
    await reconciliation.getByRole('button', { name: 'Reconcile now' }).click();
    await reconciliation.getByRole('status').waitFor();
    await reconciliation.getByRole('heading', { name: 'Ledger: compared' }).waitFor();
    // Nobody answers where this API looks for the chain.
    await reconciliation.getByRole('heading', { name: 'Chain: not compared' }).waitFor();
    await section(page, 'Revenue of the last 30 days (UTC)')
      .getByText(/ties to the trial balance/)
      .waitFor();
  });
});

describe('for everybody', () => {
  it.each([
    ['desktop', 'light', {}],
    ['desktop', 'dark', { colorScheme: 'dark' }],
    ['phone', 'light', PHONE],
  ] as const)(
    '%s, %s: axe finds nothing serious, and nothing is wider than the screen',
    async (size, scheme, options) => {
      await stray();
      await indebted();
      const page = await opened(options);
      await section(page, 'Suspense').getByRole('article').first().waitFor();
      await section(page, 'Revenue of the last 30 days (UTC)').getByRole('table').first().waitFor();
      await expectGoodLook(page, `operator-${size}-${scheme}`);
    },
  );
});
