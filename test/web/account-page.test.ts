/** The account page in a real Chromium, on the real API: what a customer sees and does there. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { accountName } from '../../ledger/index.ts';
import { documentText, hashText, readDocument, type SealDocument } from '../../ledger/seals/seal-document.ts';
import { generateSealKey, readSealKey } from '../../ledger/seals/seal-key.ts';
import type { Proof } from '../../web/src/account/answers.ts';
import { expectAccessible } from '../support/accessible.ts';
import type { ApiUnderTest, Customer } from '../support/api.ts';
import { startBrowser } from '../support/browser.ts';
import { type CardApi, sessionIdOf, startCardApi } from '../support/card-api.ts';
import { spendingKey } from '../support/contract/keys-cases.ts';
import { sweepAndSeal } from '../support/sealing.ts';
import { LOOKS, Visits } from '../support/visits.ts';
import { linkTo, newWallet } from '../support/wallets.ts';

let cards: CardApi;
let api: ApiUnderTest;
let browser: Browser;
let visits: Visits;
beforeAll(async () => {
  cards = await startCardApi();
  api = cards.api;
  browser = await startBrowser();
  visits = new Visits(browser);
});
afterAll(async () => {
  await browser?.close();
  await cards?.stop();
});

afterEach(() => visits.end());

const openAccount = (options?: BrowserContextOptions) =>
  visits.open(`http://127.0.0.1:${api.port}/account`, options);

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
    expect(visits.asked).toEqual(['GET /v1/session']);
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
    expect(visits.asked).toEqual(['GET /v1/session', 'POST /v1/session']);
  });
});

/** What scripts of the page can find out of it. */
function kept(page: Page): Promise<unknown> {
  return page.evaluate('[localStorage.length, sessionStorage.length, document.cookie, location.search]');
}

async function sessionCookie(page: Page): Promise<string> {
  const [cookie] = await page.context().cookies();
  return `${cookie?.name}=${cookie?.value}`;
}

/** The form in which the page asks for the key that it no longer has. */
function keyDialog(page: Page) {
  return page.getByRole('dialog', { name: 'Your key, once more' });
}

describe('being signed in', () => {
  it('outlives a reload, which forgets the key: what changes something asks for it again', async () => {
    const customer = await api.customer();
    const stranger = await api.customer();
    const spends = await spendingKey(api, customer);
    const page = await opened(customer);
    expect(await kept(page)).toEqual([0, 0, '', '']);
    expect(await page.context().cookies()).toMatchObject([
      { name: 'credits_session', httpOnly: true, sameSite: 'Strict', secure: false, path: '/' },
    ]);
    await page.reload();
    await reads(page, 'available', '10,000');
    await section(page, 'Activity').getByRole('row').nth(1).waitFor();
    expect(await page.getByRole('button', { name: 'Show my key' }).count()).toBe(0);
    expect(await kept(page)).toEqual([0, 0, '', '']);

    visits.asked.length = 0;
    await section(page, 'Keys').getByRole('button', { name: 'Create key' }).click();
    const dialog = keyDialog(page);
    await dialog.waitFor();
    await expectAccessible(page, 'account-key-dialog');
    for (const [key, said] of [
      [swapped(customer.secureKey), /typo/],
      [stranger.secureKey, /key of another account/],
      [spends, /only spends/],
      [customer.secureKey.replace('aisk', 'aibs'), /another kind of secret/],
    ] as const) {
      await dialog.getByLabel('Secure Key').fill(key);
      await dialog.getByRole('button', { name: 'Go on' }).click();
      await dialog.getByRole('alert').filter({ hasText: said }).waitFor();
    }
    expect(visits.asked.filter(what => !what.startsWith('GET'))).toEqual([]);
    await dialog.getByLabel('Secure Key').fill(customer.secureKey);
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await savedSecret(page);
    await dialog.waitFor({ state: 'detached' });
    // From now on the page has it.
    await page.getByRole('button', { name: 'Show my key' }).click();
    await page.getByText(customer.secureKey).waitFor();
    await section(page, 'Keys').getByRole('button', { name: 'Create key' }).click();
    await savedSecret(page);
    expect(visits.asked.filter(what => !what.startsWith('GET'))).toEqual([
      'POST /v1/session',
      'POST /v1/keys',
      'POST /v1/keys',
    ]);
  });

  it('changes nothing when the key is not given', async () => {
    const customer = await api.customer();
    const page = await opened(customer);
    await page.reload();
    const keys = section(page, 'Keys');
    for (const leave of [
      () => keyDialog(page).getByRole('button', { name: 'Cancel' }).click(),
      () => page.keyboard.press('Escape'),
    ]) {
      await keys.getByRole('button', { name: 'Rotate key 1' }).click();
      await keys.getByRole('button', { name: 'Yes, rotate' }).click();
      await keyDialog(page).waitFor();
      await leave();
      await keyDialog(page).waitFor({ state: 'detached' });
      await keys.getByText('Nothing was changed: that takes your key.').waitFor();
    }
    expect(visits.asked.filter(what => what.includes('rotate'))).toEqual([]);
    expect((await api.debit(customer, '1', 'with-the-key-that-was-not-rotated')).status).toBe(201);
  });

  it('ends on the server when one signs out', async () => {
    const page = await opened(await api.customer());
    const cookie = await sessionCookie(page);
    const status = async () => (await api.call('GET', '/v1/credits', { headers: { cookie } })).status;
    expect(await status()).toBe(200);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await vi.waitFor(async () => expect(await status()).toBe(401));
    expect(await page.context().cookies()).toEqual([]);
    await page.reload();
    await page.getByLabel('Secure Key').waitFor();
    expect(await page.getByLabel('Secure Key').inputValue()).toBe('');
  });

  it('is over when its time is, with a reload and without', async () => {
    const page = await opened(await api.customer());
    await api.query('update credits.browser_sessions set ended_at = now() where ended_at is null');
    await page.getByText('You were signed out. This session has ended').waitFor();
    await page.reload();
    await page.getByRole('status').filter({ hasText: 'This session has ended' }).waitFor();
    // The dead cookie is in nobody's way.
    await signIn(page, await api.customer());
  });

  it('is one account in all tabs: a page never mixes two', async () => {
    const [first, second] = [await api.customer(), await api.customer(2_000_000n)];
    const page = await opened(first);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await reads(other, 'available', '10,000');
    await other.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You were signed out.').waitFor();
    await signIn(page, first);
    await signIn(other, second);
    await page.getByText(accountName(second.accountId)).waitFor();
    await reads(page, 'available', '20,000');
    await section(page, 'Keys').getByRole('button', { name: 'Create key' }).click();
    await keyDialog(page).getByLabel('Secure Key').fill(first.secureKey);
    await keyDialog(page).getByRole('button', { name: 'Go on' }).click();
    await keyDialog(page).getByText('This is a key of another account').waitFor();
  });

  it('is no use to the pages of others, be they on the same host', async () => {
    const page = await opened(await api.customer());
    const evil = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>Evil</title><form></form>'),
    );
    await new Promise<void>(resolve => evil.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = evil.address() as AddressInfo;
      const target = `http://127.0.0.1:${api.port}/v1`;
      const orders = async () => (await api.query('select from credits.orders')).length;
      const before = await orders();
      // What pages of ours ask for is not in the log then.
      await page.goto('about:blank');
      for (const host of ['127.0.0.1', 'localhost']) {
        // What the API answered: the page is not told that, whatever it was.
        const answered = async (script: string) => {
          const theirs = await page.context().newPage();
          await theirs.goto(`http://${host}:${port}/`);
          const told = api.log.length;
          await theirs.evaluate(script);
          await vi.waitFor(() => expect(api.log.length).toBeGreaterThan(told), { timeout: 60_000 });
          await theirs.close();
          return [host, /code=(\w+)/.exec(api.log.at(-1) ?? '')?.[1]];
        };
        const reading = `void fetch('${target}/credits', { mode: 'no-cors', credentials: 'include' }).catch(() => {})`;
        // To another site the browser does not send the cookie; within this one the API does not let it count.
        const isSameSite = host === '127.0.0.1';
        expect(await answered(reading)).toEqual([host, isSameSite ? 'cross_site' : 'credential_missing']);
        const posting = (path: string) => `(() => {
          const form = document.forms[0];
          Object.assign(form, { method: 'POST', action: '${target}${path}', enctype: 'text/plain' });
          form.submit();
        })()`;
        expect(await answered(posting('/orders'))).toEqual([host, 'unsupported_media_type']);
        expect(await answered(posting('/session'))).toEqual([host, 'credential_missing']);
      }
      expect(await orders()).toBe(before);
      await page.goto(`http://127.0.0.1:${api.port}/account`);
      await page.getByRole('heading', { name: 'Balance' }).waitFor();
    } finally {
      evil.close();
    }
  });

  it('is enough to order a top-up, whose lot has Stripe’s receipt', async () => {
    const customer = await api.customer();
    const page = await opened(customer);
    await page.reload();
    await reads(page, 'available', '10,000');
    const ordered = (await page.evaluate(`fetch('/v1/orders', {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ amount_usd: '5', method: 'card' }),
    }).then(response => response.json())`)) as { id: string; kind: string; checkout: { url: string } };
    expect(ordered.kind).toBe('top_up');
    const sessionId = sessionIdOf(ordered.checkout.url);
    cards.pay(sessionId);
    const worker = cards.startWorker();
    try {
      await reads(page, 'available', '60,000');
    } finally {
      await worker.stop();
    }
    await page.reload();
    const link = section(page, 'Lots').getByRole('link', { name: 'Receipt of Stripe' });
    expect(await link.getAttribute('href')).toBe(cards.charge(sessionId).receipt_url);
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
    // In the time zone of the browser, which is UTC here.
    await section(page, 'Balance').getByText('2 Mar 2026, 00:00 (00:00 UTC)').waitFor();
    const topUp = section(page, 'Balance').getByRole('link', { name: 'Top up' });
    expect(await topUp.getAttribute('href')).toBe('/');
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

  it('may be owed, which says what to do', async () => {
    const customer = await api.customer();
    await api.debit(customer, '4000.5', 'spent-before-it-was-taken-back');
    const page = await opened(customer);
    await reads(page, 'available', '5,999.5');
    expect(await page.getByRole('note', { name: 'Debt' }).count()).toBe(0);
    await api.intake.vanish(customer.payment);
    const note = page.getByRole('note', { name: 'Debt' });
    await note.getByText('4,000.5 credits are owed').waitFor();
    // By the cent, and never less than is owed.
    await note.getByText('by at least $0.41').waitFor();
    expect(await note.getByRole('link', { name: 'top up' }).getAttribute('href')).toBe('/');
    await expectAccessible(page, 'account-debt');
  });

  it('has lots with their transactions, which an explorer knows where the chain is a public one', async () => {
    const customer = await api.customer();
    const page = await opened(customer);
    const { transactionHash } = customer.payment;
    await section(page, 'Lots').getByTitle(transactionHash).waitFor();
    expect(await section(page, 'Lots').getByRole('link').count()).toBe(0);
    await page.route('**/v1/session', async route => {
      const response = await route.fetch();
      await route.fulfill({
        response,
        body: (await response.text()).replace('"mode":"dev"', '"mode":"live"'),
      });
    });
    await page.reload();
    const link = section(page, 'Lots').getByRole('link', { name: /^Transaction 0x/ });
    expect(await link.getAttribute('href')).toBe(`https://basescan.org/tx/${transactionHash}`);
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

describe('a seal', () => {
  const key = readSealKey(generateSealKey());
  /** Signs what the operator would never say. */
  const signed = (proof: Proof, change: (document: SealDocument) => SealDocument, by = key): Proof => {
    const document = readDocument(proof.seal.document);
    if (!document) throw new Error('the document is none');
    const text = documentText({ ...change(document), publicKey: by.publicKey });
    return {
      ...proof,
      seal: { document: text, hash: hashText(text), signature: by.sign(text).toString('hex') },
    };
  };
  const flipped = (hex: string) => hex.replace(/^./, digit => (digit === '0' ? '1' : '0'));
  const PLANTED: [what: string, change: (proof: Proof) => Proof, said: RegExp][] = [
    [
      'a signature that is none',
      proof => ({ ...proof, seal: { ...proof.seal, signature: flipped(proof.seal.signature) } }),
      /signature of the seal does not fit/,
    ],
    [
      'a signature of nothing',
      proof => ({ ...proof, seal: { ...proof.seal, signature: '' } }),
      /signature of the seal does not fit/,
    ],
    [
      'another document under the signature',
      proof => {
        const other = signed(proof, document => ({ ...document, number: 7 }));
        return { ...proof, seal: { ...other.seal, signature: proof.seal.signature } };
      },
      /signature of the seal does not fit/,
    ],
    [
      'another hash than that of the document',
      proof => ({ ...proof, seal: { ...proof.seal, hash: flipped(proof.seal.hash) } }),
      /hash of the seal is not that of its document/,
    ],
    [
      'a signed root that is not that of the books',
      proof => signed(proof, document => ({ ...document, root: flipped(document.root) })),
      /does not lead to the root/,
    ],
    [
      'a path to somewhere else',
      proof => ({ ...proof, path: proof.path.map(flipped) }),
      /does not lead to the root/,
    ],
    ['a path that goes on', proof => ({ ...proof, path: [...proof.path, '00'.repeat(32)] }), /does not lead/],
    ['a path that ends', proof => ({ ...proof, path: proof.path.slice(1) }), /does not lead to the root/],
    [
      'a place beyond the books',
      proof => ({ ...proof, leaf_index: proof.leaf_count }),
      /not among those that were sealed/,
    ],
    [
      'fewer books than were signed',
      proof => ({ ...proof, leaf_count: proof.leaf_count - 1 }),
      /not among those that were sealed/,
    ],
    [
      'credits that were not sealed',
      proof => ({ ...proof, book: { ...proof.book, available_microcredits: '1' } }),
      /does not lead to the root/,
    ],
    [
      'a seal that should have had later entries',
      proof => signed(proof, document => ({ ...document, through: document.through + 3_600_000_000n })),
      /is on the wrong side of the seal/,
    ],
  ];

  it('is verified in the browser: signature, path and head; and every planted fault is named', async () => {
    const customer = await api.customer();
    await api.debit(customer, '5', 'before-the-seal');
    const { number } = await sweepAndSeal(api.database.url, api.now, key);
    api.now += 1_000_000n;
    await api.debit(customer, '6', 'after-the-seal');
    const page = await opened(customer);
    const proof = section(page, 'Proof');
    const verify = () => proof.getByRole('button', { name: 'Verify my book' }).click();
    await verify();
    await proof.getByText(new RegExp(`under seal ${number} of \\d+ books, through 1 Mar 2026`)).waitFor();
    await proof.getByText(`Signed with ${key.publicKey}: compare it`).waitFor();
    await proof.getByLabel(/public key/).fill(key.publicKey.toUpperCase());
    await verify();
    await proof.getByText('the key that you entered').waitFor();
    await expectAccessible(page, 'account-sealed');

    // What is downloaded is what the script that needs nothing but Node verifies.
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      proof.getByRole('button', { name: 'Download the proof' }).click(),
    ]);
    const script = fileURLToPath(new URL('../../docs/verify-proof.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [
      script,
      await file.path(),
      '--key',
      key.publicKey,
    ]);
    expect(stdout).toMatch(/^PROVED: acct_/);

    await proof.getByLabel(/public key/).fill(readSealKey(generateSealKey()).publicKey);
    await verify();
    await proof.getByText('signed with another key than the operator published').waitFor();
    await proof.getByLabel(/public key/).fill('');

    let change = (told: Proof) => told;
    await page.route('**/v1/proof', async route => {
      const response = await route.fetch();
      await route.fulfill({ response, json: change((await response.json()) as Proof) });
    });
    for (const [what, planted, said] of PLANTED) {
      change = planted;
      await verify();
      await proof
        .getByRole('alert')
        .filter({ hasText: said })
        .waitFor()
        .catch(error => {
          throw new Error(what, { cause: error });
        });
      expect([what, await proof.getByText('Sealed:').count()]).toEqual([what, 0]);
    }
    // Somebody else's seal, well made: only who knows the operator's key can tell.
    change = told => signed(told, document => document, readSealKey(generateSealKey()));
    await verify();
    await proof.getByText('Sealed:').waitFor();
    await proof.getByLabel(/public key/).fill(key.publicKey);
    await verify();
    await proof.getByText('signed with another key than the operator published').waitFor();
  });

  it('is not to be had before the first one with the account in it', async () => {
    const page = await opened(await api.customer());
    const proof = section(page, 'Proof');
    await proof.getByRole('button', { name: 'Verify my book' }).click();
    await proof.getByText('yours is in no seal yet').waitFor();
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
    // The session was renewed with it.
    await page.reload();
    await reads(page, 'available', '9,990');
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
    expect(new Set(visits.asked)).toEqual(
      new Set(['GET /v1/session', 'POST /v1/session', 'GET /v1/key', 'GET /v1/credits']),
    );
  });
});

describe('a secret that nobody has saved', () => {
  /** That the page goes on asking, twice more: what it asks then it has seen the answers of. */
  async function asksOn(): Promise<void> {
    const before = visits.count('GET /v1/key');
    await vi.waitFor(() => expect(visits.count('GET /v1/key')).toBeGreaterThan(before + 2), {
      timeout: 60_000,
      interval: 100,
    });
  }

  it.each([
    ['another account', async () => (await api.customer(2_000_000n)).secureKey, '20,000'],
    ['another key', (customer: Customer) => spendingKey(api, customer), 'This key only spends'],
  ] as const)('stays while another tab signs in with %s', async (_, keyOf, said) => {
    const customer = await api.customer();
    const otherKey = await keyOf(customer);
    const page = await opened(customer);
    const renewed = page.waitForResponse(
      response => response.url().endsWith('/v1/session') && response.request().method() === 'POST',
    );
    const keys = section(page, 'Keys');
    await keys.getByRole('button', { name: 'Rotate key 1' }).click();
    await keys.getByRole('button', { name: 'Yes, rotate' }).click();
    const secret = await page.locator('.secret code').textContent();
    await renewed;
    const headers = { authorization: `Bearer ${otherKey}` };
    const session = `http://127.0.0.1:${api.port}/v1/session`;
    expect((await page.context().request.post(session, { headers })).status()).toBe(201);
    await asksOn();
    expect(await page.locator('.secret code').allTextContents()).toEqual([secret]);
    // It is the only one that manages what the first account has.
    expect(await savedSecret(page)).toBe(secret);
    expect((await api.call('GET', '/v1/keys', { bearer: String(secret) })).status).toBe(200);
    await page.getByText(said).first().waitFor();
  });

  it('is not lost to another one, in its section or beside it', async () => {
    const page = await opened(await api.customer());
    const keys = section(page, 'Keys');
    const create = keys.getByRole('button', { name: 'Create key' });
    const rotate = keys.getByRole('button', { name: 'Rotate key 1' });
    await create.click();
    const shown = keys.locator('.secret');
    const secret = await shown.locator('code').textContent();
    expect([await create.isDisabled(), await rotate.isDisabled()]).toEqual([true, true]);

    const webhooks = section(page, 'Webhooks');
    await webhooks.getByLabel('URL').fill('https://hooks.example/beside');
    await webhooks.getByLabel('lot added').check();
    const createWebhook = webhooks.getByRole('button', { name: 'Create webhook' });
    await createWebhook.click();
    await webhooks.locator('.secret').waitFor();
    expect(await createWebhook.isDisabled()).toBe(true);
    await webhooks.getByRole('button', { name: 'I saved it' }).click();
    await api.query('update credits.browser_sessions set ended_at = now() where ended_at is null');
    await asksOn();
    expect(await shown.locator('code').textContent()).toBe(secret);
    await shown.getByRole('button', { name: 'I saved it' }).click();
    await page.getByText('You were signed out.').waitFor();
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

  it('lose their wallet’s link', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    await linkTo(api, wallet, customer.secureKey);
    const page = await opened(customer);
    await page.reload();
    const wallets = section(page, 'Linked wallets');
    await wallets.getByRole('button', { name: `Unlink ${wallet.address}` }).click();
    await wallets.getByRole('button', { name: 'Yes, unlink' }).click();
    await keyDialog(page).getByLabel('Secure Key').fill(customer.secureKey);
    await keyDialog(page).getByRole('button', { name: 'Go on' }).click();
    // It was linked for less than 72 hours, and so has no right left.
    await wallets.getByText('No wallet is linked').waitFor();
    const { body } = await api.call<{ wallets: unknown[] }>('GET', '/v1/wallets', {
      bearer: customer.secureKey,
    });
    expect(body.wallets).toEqual([]);
  });
});

describe('for everybody', () => {
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
    await page.getByLabel('Secure Key').waitFor();
    const focused = () => page.evaluate('document.activeElement.textContent');
    // The header's links, then the form.
    for (const name of ['AiSpace Credits', 'Buy', 'Account', 'Docs']) {
      await page.keyboard.press('Tab');
      expect(await focused()).toBe(name);
    }
    await page.keyboard.press('Tab');
    await page.keyboard.insertText(customer.secureKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Balance' }).waitFor();
    // The focus is on the title then: Tab goes on from there, and back to what stands above it.
    await vi.waitFor(async () => expect(await focused()).toBe('Your credits'));
    await page.keyboard.press('Shift+Tab');
    expect(await focused()).toBe('Sign out');
    await page.keyboard.press('Enter');
    await page.getByText('You are signed out.').waitFor();
  });
});

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
