/** The account page in a real Chromium, on the real API: what a customer sees and does there. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiUnderTest, type Customer, startApi } from '../support/api.ts';
import { SCREENSHOTS, startBrowser } from '../support/browser.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;

let api: ApiUnderTest;
let browser: Browser;
beforeAll(async () => {
  api = await startApi();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await api?.stop();
});

/** What pages complained of: a script that threw, a file or a style that the CSP stopped. */
const complaints: string[] = [];
/** The API's paths that pages asked for. */
const asked: string[] = [];
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  asked.length = 0;
  expect(complaints.splice(0)).toEqual([]);
});

async function openAccount(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on('pageerror', error => complaints.push(error.message));
  page.on('console', message => {
    // The browser says of every answer that is an error that it is one; those are the API's to tell.
    if (message.type() === 'error' && !/the server responded with a status/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('request', request => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/v1/')) asked.push(pathname);
  });
  await page.goto(`http://127.0.0.1:${api.port}/account`);
  return page;
}

async function signIn(page: Page, { secureKey }: Pick<Customer, 'secureKey'>): Promise<void> {
  await page.getByLabel('Secure Key').fill(secureKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Balance' }).waitFor();
}

async function opened(customer: Customer, options?: BrowserContextOptions): Promise<Page> {
  const page = await openAccount(options);
  await signIn(page, customer);
  return page;
}

/** What `testId` reads, in time. */
async function reads(page: Page, testId: string, text: string): Promise<void> {
  await vi.waitFor(async () => expect(await page.getByTestId(testId).textContent()).toBe(text), {
    timeout: 60_000,
    interval: 100,
  });
}

function section(page: Page, name: string) {
  return page.getByRole('region', { name, exact: true }).first();
}

describe('signing in', () => {
  const MISTAKES: [what: string, mistake: (key: string) => string, said: RegExp][] = [
    ['a typo', key => key.replace(/.$/, last => (last === 'x' ? 'y' : 'x')), /typo/],
    ['two characters in each other’s place', key => swapped(key), /typo/],
    ['half a key', key => key.slice(0, 30), /copy it whole/],
    ['an order’s secret', key => key.replace('aisk_', 'aios_'), /another kind of secret/],
    ['nothing', () => '', /Enter your Secure Key/],
  ];
  it.each(MISTAKES)('tells %s without asking the API', async (_, mistake, said) => {
    const { secureKey } = await api.customer();
    const page = await openAccount();
    await page.getByLabel('Secure Key').fill(mistake(secureKey));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: said }).waitFor();
    expect(asked).toEqual([]);
  });

  it('says of a key that nobody has what the API says', async () => {
    const customer = await api.customer();
    const made = await api.call<{ number: number; secure_key: string }>('POST', '/v1/keys', {
      bearer: customer.secureKey,
      json: { scope: 'spend' },
    });
    await api.call('DELETE', `/v1/keys/${made.body.number}`, { bearer: customer.secureKey });
    const page = await openAccount();
    await page.getByLabel('Secure Key').fill(made.body.secure_key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await vi.waitFor(async () => expect(await page.getByRole('alert').textContent()).not.toBe(''));
    expect(asked).toEqual(['/v1/key']);
  });

  it('keeps the key in the memory of the page: a reload and a sign-out forget it', async () => {
    const page = await opened(await api.customer());
    const kept = () =>
      page.evaluate('[localStorage.length, sessionStorage.length, document.cookie, location.search]');
    expect(await kept()).toEqual([0, 0, '', '']);
    await page.reload();
    await page.getByLabel('Secure Key').waitFor();
    expect(await page.getByLabel('Secure Key').inputValue()).toBe('');

    await signIn(page, await api.customer());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    expect(await kept()).toEqual([0, 0, '', '']);
  });
});

describe('what an account has', () => {
  it('is there at once, and changes while one looks', async () => {
    const customer = await api.customer();
    const page = await opened(customer);
    await reads(page, 'available', '10,000');
    await reads(page, 'used-today', '0');
    await api.debit(customer, '1234.5', 'spent-while-looking');
    await reads(page, 'available', '8,765.5');
    // It was spent with this very key.
    await reads(page, 'used-today', '1,234.5');
    await api.call('POST', '/v1/holds', {
      bearer: api.serviceToken,
      headers: { 'idempotency-key': 'held-while-looking' },
      json: { secure_key: customer.secureKey, amount: '65.5' },
    });
    await reads(page, 'held', '65.5');
    await reads(page, 'available', '8,700');
    expect(await page.getByRole('timer').textContent()).toMatch(/^0[89] h \d\d min \d\d s$/);
    await section(page, 'Balance')
      .getByText(/Next to expire: lot \d+, with 8,700 credits/)
      .waitFor();
  });

  it('has its lots, its usage and its activity, which can be kept as CSV', async () => {
    const customer = await api.customer();
    await api.debit(customer, '12', 'by-model', {
      json: { secure_key: customer.secureKey, amount: '12', model: 'small', description: '=1+1, "quoted"' },
    });
    // Usage is of what was before now.
    api.now += 1_000_000n;
    const page = await opened(customer);
    const lot = section(page, 'Lots').getByRole('row').nth(1);
    expect(await lot.textContent()).toMatch(/10,0009,988.*1 Mar 2026.*31 Mar 2026.*30\$1.*per ETH0x/);
    const usage = section(page, 'Usage of the last 30 days');
    await usage.getByRole('row', { name: '2026-03-01 12 1' }).waitFor();
    await usage.getByRole('row', { name: 'small 12 1' }).waitFor();
    // 31 days are touched by 30 × 24 hours, and one model was used.
    expect(await usage.locator('rect').count()).toBe(31 + 1);
    const activity = section(page, 'Activity');
    expect(await activity.getByRole('row').nth(1).textContent()).toMatch(
      /debit129,9880chatkey 1small: =1\+1/,
    );

    const [file] = await Promise.all([
      page.waitForEvent('download'),
      activity.getByRole('button', { name: 'Download all as CSV' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('credits-activity.csv');
    const [titles, ...rows] = (await readFile(await file.path(), 'utf8')).split('\r\n');
    expect(titles).toMatch(/^id,kind,booked_at,.*,description$/);
    expect(rows[0]).toMatch(
      /,debit,2026-03-01T15:00:00.000000Z,.*,12,9988,0,0,chat,key 1,small,"'=1\+1, ""quoted"""$/,
    );
    expect(rows.at(-1)).toBe('');
  });

  it('is proved in the browser, unless an entry was changed on the way', async () => {
    const customer = await api.customer();
    await api.debit(customer, '5', 'to-be-proved');
    const page = await opened(customer);
    const proof = section(page, 'Proof');
    await proof.getByRole('button', { name: 'Verify my book' }).click();
    const { body } = await api.call<{ entries: { hash: string }[] }>('GET', '/v1/journal', {
      bearer: customer.secureKey,
    });
    await proof.getByText(`Verified: ${body.entries.length} entries recomputed`).waitFor();
    await proof.getByText(body.entries.at(-1)?.hash ?? 'no head').waitFor();

    await page.route('**/v1/journal*', async route => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace('debit', 'debi7') });
    });
    await proof.getByRole('button', { name: 'Verify my book' }).click();
    await proof.getByText(`Entry ${body.entries.length} does not hold`).waitFor();
    expect(await proof.getByText('Verified').count()).toBe(0);
  });
});

describe('keys', () => {
  it('are created, limited, rotated and revoked', async () => {
    const customer = await api.customer();
    const page = await opened(customer);
    const keys = section(page, 'Keys');
    await keys.getByLabel('Label').fill('laptop');
    await keys.getByLabel('Limit in credits').fill('100');
    await keys.getByRole('button', { name: 'Create key' }).click();
    const first = await savedSecret(page);
    const row = keys.getByRole('row', { name: /laptop/ });
    await row.getByText('100 per day, 100 left').waitFor();
    const second = { secureKey: first };
    expect((await api.debit(second, '101', 'over-the-limit')).status).not.toBe(201);
    expect((await api.debit(second, '60', 'within-the-limit')).status).toBe(201);

    await row.getByRole('button', { name: /^Limit/ }).click();
    await row.getByLabel('Limit in credits').fill('500');
    await row.getByRole('button', { name: 'Set limit' }).click();
    await row.getByText('500 per day, 440 left').waitFor();

    await row.getByRole('button', { name: /^Rotate/ }).click();
    await row.getByRole('button', { name: 'Yes, rotate' }).click();
    const rotated = await savedSecret(page);
    expect(rotated).not.toBe(first);
    expect((await api.debit(second, '1', 'with-the-old-secret')).status).toBe(422);
    expect((await api.debit({ secureKey: rotated }, '1', 'with-the-new-one')).status).toBe(201);

    await row.getByRole('button', { name: /^Revoke/ }).click();
    await row.getByRole('button', { name: 'Yes, revoke' }).click();
    await row.getByText('revoked').waitFor();
    expect((await api.debit({ secureKey: rotated }, '1', 'with-a-revoked-key')).status).toBe(422);
  });

  it('go on with the new secret when one rotates the key that one is signed in with', async () => {
    const customer = await api.customer();
    const page = await opened(customer);
    const row = section(page, 'Keys').getByRole('row', { name: /this one/ });
    await row.getByRole('button', { name: /^Rotate/ }).click();
    await row.getByRole('button', { name: 'Yes, rotate' }).click();
    const secureKey = await savedSecret(page);
    expect((await api.debit({ secureKey }, '10', 'after-the-rotation')).status).toBe(201);
    await reads(page, 'available', '9,990');
    await page.getByRole('button', { name: 'Show my key' }).click();
    await page.getByText(secureKey).waitFor();
    // Somebody else ends it.
    await api.call('DELETE', '/v1/keys/1?confirm=true', { bearer: secureKey });
    await page.getByText('You were signed out.').waitFor();
  });

  it('sign one out when the last one that manages is revoked, which is asked twice', async () => {
    const page = await opened(await api.customer());
    const keys = section(page, 'Keys');
    await keys.getByRole('button', { name: 'Revoke key 1' }).click();
    await keys.getByRole('button', { name: 'Yes, revoke' }).click();
    await keys.getByRole('button', { name: /Revoke the last key/ }).click();
    await page.getByText('You were signed out.').waitFor();
  });

  it('that only spend see what is there, and are told what they do not', async () => {
    const customer = await api.customer();
    const { body } = await api.call<{ secure_key: string }>('POST', '/v1/keys', {
      bearer: customer.secureKey,
      json: { scope: 'spend' },
    });
    const page = await openAccount();
    await signIn(page, { secureKey: body.secure_key });
    await reads(page, 'available', '10,000');
    await page.getByText('This key only spends').waitFor();
    expect(new Set(asked)).toEqual(new Set(['/v1/key', '/v1/credits']));
  });
});

describe('others', () => {
  it('are given grants and told by webhooks', async () => {
    const customer = await api.customer();
    const page = await opened(customer);
    const grants = section(page, 'Grants to services');
    await grants.getByLabel('Limit in credits').fill('7');
    await grants.getByRole('button', { name: 'Give grant' }).click();
    await grants.getByText('7 per day, 7 left').waitFor();
    await grants.getByRole('button', { name: 'Revoke the grant to chat' }).click();
    await grants.getByRole('button', { name: 'Yes, revoke' }).click();
    await grants.getByText('revoked').waitFor();

    const webhooks = section(page, 'Webhooks');
    await webhooks.getByLabel('URL').fill('https://hooks.example/credits');
    await webhooks.getByRole('button', { name: 'Create webhook' }).click();
    // The API's own words.
    await webhooks.getByRole('alert').filter({ hasText: 'at least one event' }).waitFor();
    await webhooks.getByLabel('lot added').check();
    await webhooks.getByRole('button', { name: 'Create webhook' }).click();
    expect(await savedSecret(page)).toMatch(/^whsec_/);
    await webhooks.getByRole('button', { name: 'Send a test' }).click();
    await webhooks.getByRole('row', { name: /test pending/ }).waitFor();
    await section(page, 'Linked wallets').getByText('No wallet is linked').waitFor();
  });
});

describe('for everybody', () => {
  const LOOKS: [name: string, options: BrowserContextOptions][] = [
    ['desktop-light', { colorScheme: 'light' }],
    ['desktop-dark', { colorScheme: 'dark' }],
    ['phone-light', { ...PHONE, colorScheme: 'light' }],
    ['phone-dark', { ...PHONE, colorScheme: 'dark' }],
  ];
  it.each(LOOKS)('%s: nothing serious by axe, nothing wider than the screen', async (name, options) => {
    const customer = await api.customer();
    await api.debit(customer, '250', `look-${name}`);
    const page = await openAccount(options);
    await expectAccessible(page, `sign-in-${name}`);
    await signIn(page, customer);
    await page.getByRole('button', { name: 'Create webhook' }).waitFor();
    await section(page, 'Activity').getByRole('row').nth(1).waitFor();
    await section(page, 'Keys').getByRole('button', { name: 'Create key' }).click();
    await page.getByRole('button', { name: 'I saved it' }).waitFor();
    await expectAccessible(page, `account-${name}`);
  });

  it('is used by keyboard alone', async () => {
    const customer = await api.customer();
    const page = await openAccount();
    await page.keyboard.press('Tab');
    await page.keyboard.insertText(customer.secureKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Balance' }).waitFor();
    // The focus is on the title then: Tab goes to the link beside it, and on.
    const focused = () => page.evaluate('document.activeElement.textContent');
    await vi.waitFor(async () => expect(await focused()).toBe('Your credits'));
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Buy credits');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Sign out');
    await page.keyboard.press('Enter');
    await page.getByText('You are signed out.').waitFor();
  });
});

async function expectAccessible(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  // As a debugger does, which the CSP of the page does not stop.
  await page.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  };
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' | ')}`);
  expect(serious).toEqual([]);
}

/** The secret that is shown, which goes when one says that it is saved. */
async function savedSecret(page: Page): Promise<string> {
  const shown = page.locator('.secret');
  const secret = await shown.locator('code').textContent();
  await shown.getByRole('button', { name: 'I saved it' }).click();
  await shown.waitFor({ state: 'detached' });
  return secret ?? '';
}

/** The first two neighbours of its random part that differ change places. */
function swapped(key: string): string {
  for (let at = 10; at < key.length - 1; at += 1)
    if (key[at] !== key[at + 1]) return key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2);
  return key;
}
