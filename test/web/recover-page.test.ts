/** Getting an account back by a linked wallet, in a real Chromium on the real API with its clock in the test's hand. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEV_ACCOUNTS, type DevAccount } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { freePort } from '../../dev/free-port.ts';
import { accountName } from '../../ledger/index.ts';
import { expectAccessible } from '../support/accessible.ts';
import { type ApiUnderTest, type Customer, startApi } from '../support/api.ts';
import { startBrowser } from '../support/browser.ts';
import { type PageWallet, putWalletInto } from '../support/page-wallet.ts';
import { Visits } from '../support/visits.ts';
import { linkTo } from '../support/wallets.ts';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;
const HOUR = 3_600_000_000n;

let chain: LocalChain;
let api: ApiUnderTest;
let browser: Browser;
let visits: Visits;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  [api, browser] = await Promise.all([startApi({ rpcUrl: chain.rpcUrl }), startBrowser()]);
  visits = new Visits(browser);
});
afterAll(async () => {
  await browser?.close();
  await api?.stop();
  await chain?.stop();
});

afterEach(() => visits.end());

/** The page, with the wallet connected. */
async function open(account: DevAccount, options: BrowserContextOptions = {}) {
  const page = await visits.tab(options);
  const wallet = await putWalletInto(page, chain.rpcUrl, account);
  await page.goto(`http://127.0.0.1:${api.port}/recover`);
  await page.getByRole('button', { name: 'Test wallet' }).click();
  await page.getByRole('button', { name: 'Sign and get a new Secure Key' }).waitFor();
  return { page, wallet };
}

async function sign(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Sign and get a new Secure Key' }).click();
}

async function linked(account: DevAccount): Promise<Customer> {
  const customer = await api.customer();
  await linkTo(api, privateKeyToAccount(account.privateKey), customer.secureKey);
  return customer;
}

const isKeyPage = (page: Page) => page.waitForURL(`http://127.0.0.1:${api.port}/key`);
const says = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

describe('a lost key', () => {
  it.each([
    ['desktop', {}, DEV_ACCOUNTS[1]],
    ['phone', PHONE, DEV_ACCOUNTS[2]],
  ] as const)(
    'is replaced by the wallet that was linked 72 hours ago, on a %s',
    async (name, options, account) => {
      const customer = await linked(account);
      api.now += 73n * HOUR;
      const { page } = await open(account, options);
      await says(page, /all its Secure Keys/);
      await page.getByText('Why 72 hours?').click();
      await expectAccessible(page, `recover-${name}`);
      await sign(page);
      await isKeyPage(page);
      await says(page, accountName(customer.accountId));
      const key = (await page.getByTestId('secure-key').textContent()) ?? '';
      expect(key).not.toBe(customer.secureKey);
      expect((await api.call('GET', '/v1/credits', { bearer: key })).status).toBe(200);
      expect((await api.call('GET', '/v1/credits', { bearer: customer.secureKey })).status).toBe(401);
      // Nothing of wallets is on the page that shows it.
      const loaded = await page.evaluate(
        'performance.getEntriesByType("resource").map(file => file.name).join(" ")',
      );
      expect(loaded).not.toMatch(/assets\/[^ ]*(?:wallet|recover)/);
      expect(loaded).toMatch(/assets\/key/);
      // Reloading asks for no other.
      await page.reload();
      expect(await page.getByTestId('secure-key').textContent()).toBe(key);
    },
  );

  it('is not replaced earlier, and when it can be is said', async () => {
    const [, , , account] = DEV_ACCOUNTS;
    await linked(account);
    const { page } = await open(account);
    await sign(page);
    await isKeyPage(page);
    await says(page, /It can recover it from \d+ \w+ 2026, \d\d:\d\d on/);
    await page.getByRole('link', { name: 'Back to the recovery' }).click();
    await page.getByRole('button', { name: 'Sign and get a new Secure Key' }).waitFor();
  });

  it('of one of several accounts is asked for by its name', async () => {
    const [, , , , account] = DEV_ACCOUNTS;
    const one = await linked(account);
    const other = await linked(account);
    api.now += 73n * HOUR;
    const { page } = await open(account);
    await sign(page);
    await isKeyPage(page);
    await says(page, /linked to several accounts/);
    await says(page, accountName(other.accountId));
    await page.getByRole('link', { name: 'Back to the recovery' }).click();
    const field = page.getByLabel(/^Account/);
    await field.fill('acct_12');
    await sign(page);
    await says(page, /copy it whole, or leave it out/);
    await field.fill(accountName(other.accountId));
    await sign(page);
    await isKeyPage(page);
    await page.getByTestId('secure-key').waitFor();
    expect((await api.call('GET', '/v1/credits', { bearer: one.secureKey })).status).toBe(200);
    expect((await api.call('GET', '/v1/credits', { bearer: other.secureKey })).status).toBe(401);
  });

  it('stays lost where the wallet is linked to nothing', async () => {
    const { page } = await open(DEV_ACCOUNTS[5]);
    await sign(page);
    await isKeyPage(page);
    await says(page, /linked to no such account/);
  });

  it('is asked for by a signature, which may be declined', async () => {
    const { page, wallet }: { page: Page; wallet: PageWallet } = await open(DEV_ACCOUNTS[6]);
    wallet.rejects = true;
    await sign(page);
    await says(page, /You declined this in your wallet/);
    expect(new URL(page.url()).pathname).toBe('/recover');
    expect(await page.evaluate('sessionStorage.getItem("recovery")')).toBe(null);
  });
});
