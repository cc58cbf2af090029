/**
 * Paying in ETH in a real Chromium, on the whole system: with a wallet of the browser, the development wallet, a phone's
 * over WalletConnect, and from elsewhere by a code; and what each way to fail is told like.
 */
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import decodeQR from 'qr/decode.js';
import { type Hash, type Hex, parseEther, parseGwei, toHex } from 'viem';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DEV_ACCOUNTS, type DevAccount } from '../../dev/accounts.ts';
import { FIRST_PRICE, pushPrice } from '../../dev/price-feeds.ts';
import { expectAccessible } from '../support/accessible.ts';
import { SCREENSHOTS, startBrowser } from '../support/browser.ts';
import { type Buyer, buyerOn, eventually, type Order } from '../support/buyer.ts';
import { type PageWallet, putWalletInto } from '../support/page-wallet.ts';
import { STACK_PAYMENT_ADDRESS, type Stack, startStack } from '../support/stack.ts';
import { PHONE, Visits } from '../support/visits.ts';
import { startPhoneWallet, startRelay, TEST_PROJECT_ID } from '../support/wallet-connect.ts';

const [, PAYER, , , PHONE_OWNER, POOR, STRANGER] = DEV_ACCOUNTS;

let relay: Awaited<ReturnType<typeof startRelay>>;
let stack: Stack;
let buyer: Buyer;
let browser: Browser;
let visits: Visits;
beforeAll(async () => {
  relay = await startRelay();
  [stack, browser] = await Promise.all([
    startStack({
      WALLETCONNECT_PROJECT_ID: TEST_PROJECT_ID,
      WALLETCONNECT_RELAY_URL: relay.url,
      // One buyer makes all orders here.
      RATE_LIMIT_ANONYMOUS: '100000',
    }),
    startBrowser(),
  ]);
  buyer = buyerOn(stack);
  visits = new Visits(browser);
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await relay?.stop();
});

afterEach(async () => {
  await buyer.control.setAutomine(true);
  await visits.end();
});

interface Shop {
  readonly page: Page;
  readonly wallet: PageWallet;
  /** The order that was made last. */
  order(): Order;
}

/** The page where credits are bought, in a browser with a wallet. */
async function open(options: BrowserContextOptions = {}, account: DevAccount = PAYER): Promise<Shop> {
  const page = await visits.tab(options);
  const wallet = await putWalletInto(page, stack.rpcUrl, account);
  return await begin(page, wallet);
}

async function begin(page: Page, wallet: PageWallet): Promise<Shop> {
  const orders: Order[] = [];
  page.on('response', async response => {
    if (response.status() === 201 && new URL(response.url()).pathname === '/v1/orders')
      orders.push((await response.json()) as Order);
  });
  await page.goto(stack.apiUrl);
  await page.getByRole('button', { name: 'Pay with Crypto' }).click();
  await page.getByRole('heading', { name: 'Pay with crypto' }).waitFor();
  await vi.waitFor(() => expect(orders).toHaveLength(1));
  const order = () => {
    const last = orders.at(-1);
    if (!last) throw new Error('no order was made');
    return last;
  };
  return { page, wallet, order };
}

/** Chooses the wallet and comes to the button that pays. */
async function connect({ page }: Pick<Shop, 'page'>, name = 'Test wallet'): Promise<void> {
  await page.getByRole('button', { name }).click();
  await payButton(page).waitFor();
}

const payButton = (page: Page) => page.getByRole('button', { name: /^Pay (?:0\.|again)/ });

/** What the page says of the payment, in time. */
const says = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

const isCredited = (page: Page) =>
  page.getByTestId('headline').getByRole('heading', { name: 'Credited' }).waitFor();

/** That the ledger has credited the last order, whatever the page shows. */
const credited = ({ order }: Pick<Shop, 'order'>) => buyer.credited(order());

/** The transaction that the page says was sent. */
async function sentHash(page: Page): Promise<Hash> {
  const text = await page
    .getByRole('region', { name: 'Your transaction' })
    .locator('code')
    .first()
    .textContent();
  return text as Hash;
}

describe('a wallet of the browser', () => {
  it('pays an order, from the review to the key, over a reload at each step', async () => {
    const shop = await open();
    const { page, wallet } = shop;
    await expectAccessible(page, 'crypto-wallets-desktop');
    await connect(shop);
    const review = page.getByRole('region', { name: 'Review the payment' });
    for (const text of [
      STACK_PAYMENT_ADDRESS,
      /0\.00333\d* ETH on Base \(\$10\)/,
      '100,000 credits',
      /\$3,000 per ETH, held until/,
      /about 0\.0000\d* ETH, as your wallet’s network estimates it/,
    ])
      await review.getByText(text).first().waitFor();
    await expectAccessible(page, 'crypto-review-desktop');

    await page.reload();
    await payButton(page).waitFor();
    await payButton(page).click();
    await isCredited(page);
    expect(wallet.asked.filter(method => method === 'eth_sendTransaction')).toHaveLength(1);
    const { payments } = await credited(shop);
    await page
      .getByText(payments[0]?.transaction ?? 'no transaction')
      .first()
      .waitFor();

    await page.reload();
    await isCredited(page);
    expect(await payButton(page).count()).toBe(0);
    await page.screenshot({ path: join(SCREENSHOTS, 'crypto-credited-desktop.png'), fullPage: true });

    await page.getByText('Link your wallet first').click();
    await page.getByText('72 hours after linking').waitFor();
    await page.getByRole('button', { name: 'Link this wallet' }).click();
    await page.getByText(/^Linked:/).waitFor();
    const account = await page.getByText(/^acct_/).textContent();
    await expectAccessible(page, 'crypto-linked-desktop');

    await page.getByRole('link', { name: 'Get my Secure Key' }).click();
    await page.getByRole('button', { name: 'Show my Secure Key' }).click();
    const key = (await page.getByTestId('secure-key').textContent()) ?? '';
    const { body } = await buyer.api('GET', '/v1/wallets', key);
    expect(body).toMatchObject({ account, wallets: [{ address: PAYER.address }] });

    // The wallet cannot take the account over at once, and the page says when it can.
    await page.goto(`${stack.apiUrl}/recover`);
    await page.getByRole('button', { name: 'Sign and get a new Secure Key' }).click();
    await page.waitForURL(`${stack.apiUrl}/key`);
    await says(page, /72 hours/);
  });

  it('is asked again after its user declined', async () => {
    const shop = await open();
    const { page, wallet } = shop;
    wallet.rejects = true;
    await page.getByRole('button', { name: 'Test wallet' }).click();
    await says(page, /You declined this in your wallet: nothing was sent/);
    wallet.rejects = false;
    await connect(shop);
    wallet.rejects = true;
    await payButton(page).click();
    await says(page, /You declined this in your wallet: nothing was sent/);
    await page.screenshot({ path: join(SCREENSHOTS, 'crypto-declined-desktop.png'), fullPage: true });
    wallet.rejects = false;
    await payButton(page).click();
    await credited(shop);
  });

  it('is brought to Base, which it may not know', async () => {
    const shop = await open();
    const { page, wallet } = shop;
    Object.assign(wallet, { chainId: 1, knowsBase: false });
    await page.getByRole('button', { name: 'Test wallet' }).click();
    await says(page, /Your wallet is on another network \(chain 1\)/);
    expect(await payButton(page).count()).toBe(0);
    await expectAccessible(page, 'crypto-wrong-network-desktop');
    wallet.rejects = true;
    await page.getByRole('button', { name: 'Switch to Base' }).click();
    await says(page, /You declined this in your wallet/);
    wallet.rejects = false;
    await page.getByRole('button', { name: 'Switch to Base' }).click();
    await payButton(page).waitFor();
    expect(wallet.asked).toContain('wallet_addEthereumChain');
  });

  it('with too little is told of it before it is asked, and again when it refuses', async () => {
    await buyer.control.setBalance({ address: POOR.address, value: parseEther('0.001') });
    const shop = await open({}, POOR);
    const { page, wallet } = shop;
    await connect(shop);
    await says(page, /This account has 0\.001 ETH on Base, which is too little/);
    expect(await payButton(page).isDisabled()).toBe(true);
    await page.screenshot({ path: join(SCREENSHOTS, 'crypto-too-little-desktop.png'), fullPage: true });
    // Its own node may know it better.
    wallet.balanceWei = parseEther('1');
    await page.getByRole('button', { name: 'Check again' }).click();
    await payButton(page).click();
    await says(
      page,
      /This account has too little ETH on Base for the amount and the network’s fee: nothing was sent/,
    );
    await buyer.control.setBalance({ address: POOR.address, value: parseEther('1') });
    await payButton(page).click();
    await credited(shop);
  });

  it('that does not answer is not asked twice by mistake', async () => {
    const shop = await open();
    const { page, wallet } = shop;
    await connect(shop);
    wallet.hangs = true;
    await payButton(page).click();
    await says(page, /Your wallet is asked to send the payment: confirm it there/);
    await says(page, /It has not answered yet\. Open it, unlock it/);
    await page.getByRole('button', { name: 'Stop waiting' }).click();
    await says(page, /Look in it first/);
    await page.reload();
    await says(page, /Look in it first/);
    await page.screenshot({ path: join(SCREENSHOTS, 'crypto-unanswered-desktop.png'), fullPage: true });
    // Its user confirms after all: nobody here is told, but the chain is.
    wallet.hangs = false;
    await isCredited(page);
    expect(await payButton(page).count()).toBe(0);
  });

  /** Asks the wallet for the order and leaves it asking; goes on with another one. */
  async function leftAsking(): Promise<Shop & { readonly first: Order }> {
    const shop = await open();
    const { page, wallet } = shop;
    await connect(shop);
    wallet.hangs = true;
    await payButton(page).click();
    await says(page, /Your wallet is asked to send the payment: confirm it there/);
    const first = shop.order();
    await page.getByRole('button', { name: 'Start another order' }).click();
    await page.getByRole('button', { name: 'Pay with Crypto' }).click();
    await vi.waitFor(() => expect(shop.order().id).not.toBe(first.id));
    await payButton(page).waitFor();
    return { ...shop, first };
  }

  it('that answers when another order is shown has sent the one that it was asked for', async () => {
    const { page, wallet, first } = await leftAsking();
    wallet.hangs = false;
    await says(page, /Your wallet has sent its payment: go on with it/);
    await page.getByTestId('headline').getByRole('heading', { name: 'Waiting for your payment' }).waitFor();
    await payButton(page).waitFor();
    expect(await page.getByRole('region', { name: 'Your transaction' }).count()).toBe(0);
    await page.getByRole('button', { name: `Go on with order ${first.id}` }).click();
    await isCredited(page);
    expect((await buyer.credited(first)).payments).toHaveLength(1);
  });

  it('that declines when another order is shown takes nothing from that one', async () => {
    const { page, wallet, first } = await leftAsking();
    await page.getByRole('button', { name: 'Use another wallet' }).click();
    await page.getByRole('button', { name: 'Development wallet' }).click();
    await buyer.control.setAutomine(false);
    await payButton(page).click();
    await says(page, /It is on its way to a block/);
    const isFirstAsked = () => page.evaluate(`sessionStorage.getItem('wallet-payment ${first.id}') !== null`);
    expect(await isFirstAsked()).toBe(true);
    Object.assign(wallet, { rejects: true, hangs: false });
    await vi.waitFor(async () => expect(await isFirstAsked()).toBe(false), { timeout: 60_000 });
    await page.reload();
    await says(page, /It is on its way to a block/);
    await buyer.control.mine({ blocks: 1 });
    await isCredited(page);
  });

  it('that leaves can be connected again, or another in its place', async () => {
    const shop = await open();
    const { page, wallet } = shop;
    await connect(shop);
    await wallet.leave();
    await says(page, /Your wallet is not connected any more/);
    await connect(shop);
    await page.getByRole('button', { name: 'Use another wallet' }).click();
    await page.getByRole('button', { name: 'Development wallet' }).click();
    await says(page, 'Development wallet: it pays with play money');
  });
});

describe('a payment on its way', () => {
  /** Pays while no blocks are made. */
  async function pending(): Promise<Shop & { readonly hash: Hash; readonly nonce: number }> {
    const shop = await open();
    await connect(shop);
    await buyer.control.setAutomine(false);
    await payButton(shop.page).click();
    await says(shop.page, /It is on its way to a block/);
    const hash = await sentHash(shop.page);
    // Known to the page as well, by which it finds what takes its place.
    const { nonce } = await buyer.reader.getTransaction({ hash });
    await shop.page.waitForTimeout(3_000);
    return { ...shop, hash, nonce };
  }

  /** Sends another in its place, and makes a block. */
  async function replace(nonce: number, to: Hex, value: bigint, data: Hex = '0x'): Promise<Hash> {
    const hash = await buyer.wallet.sendTransaction({
      ...{ nonce, to, value, data, gas: 100_000n },
      ...{ maxFeePerGas: parseGwei('100'), maxPriorityFeePerGas: parseGwei('50') },
    });
    await buyer.control.mine({ blocks: 1 });
    return hash;
  }

  it('is seen before it is in a block, and goes on after a reload', async () => {
    const shop = await pending();
    await shop.page.getByTestId('headline').getByRole('heading', { name: 'Seen' }).waitFor();
    await shop.page.reload();
    await says(shop.page, /It is on its way to a block/);
    await buyer.control.mine({ blocks: 1 });
    await isCredited(shop.page);
  });

  it('that was sped up counts by the other transaction', async () => {
    const shop = await pending();
    const { amount_wei, address, calldata } = shop.order().payment;
    const hash = await replace(shop.nonce, address, BigInt(amount_wei), calldata);
    await isCredited(shop.page);
    expect((await credited(shop)).payments.map(payment => payment.transaction)).toEqual([hash]);
  });

  it('that was cancelled is said to be, and can be paid again', async () => {
    const shop = await pending();
    await replace(shop.nonce, PAYER.address, 0n);
    await says(shop.page, /You cancelled the payment in your wallet/);
    await shop.page
      .getByTestId('headline')
      .getByRole('heading', { name: 'Waiting for your payment' })
      .waitFor();
    await shop.page.screenshot({ path: join(SCREENSHOTS, 'crypto-cancelled-desktop.png'), fullPage: true });
    await buyer.control.setAutomine(true);
    await shop.page.getByRole('button', { name: 'Pay again' }).click();
    await payButton(shop.page).click();
    await credited(shop);
  });

  it('in whose place the wallet sent something else is said to be nothing paid', async () => {
    const shop = await pending();
    await replace(shop.nonce, DEV_ACCOUNTS[7].address, 5n);
    await says(shop.page, /Your wallet sent another transaction in its place/);
  });

  it('that was dropped is said to be gone, and comes back where it does', async () => {
    const shop = await pending();
    await buyer.control.dropTransaction({ hash: shop.hash });
    await says(shop.page, /The network does not know this payment any more/);
    await expectAccessible(shop.page, 'crypto-dropped-desktop');
    await buyer.control.setAutomine(true);
    await shop.page.getByRole('button', { name: 'Pay again' }).click();
    await payButton(shop.page).click();
    await isCredited(shop.page);
  });

  it('that the network undoes is said to have cost its fee alone', async () => {
    const shop = await open();
    const { page, wallet } = shop;
    await connect(shop);
    wallet.gas = 100_000n;
    // A contract that takes nothing.
    await buyer.control.setCode({ address: STACK_PAYMENT_ADDRESS, bytecode: '0x60006000fd' });
    try {
      await payButton(page).click();
      await says(page, /The network undid this payment: nothing was paid but the network’s fee/);
    } finally {
      await buyer.control.setCode({ address: STACK_PAYMENT_ADDRESS, bytecode: '0x' });
    }
    await page.getByRole('button', { name: 'Pay again' }).click();
    await payButton(page).click();
    await credited(shop);
  });
});

describe('without a wallet in the browser', () => {
  it('the development wallet pays, clearly marked', async () => {
    const page = await visits.tab();
    const shop = await begin(page, {} as PageWallet);
    await says(page, 'This is a development stack on a local chain: never send real ETH');
    await connect(shop, 'Development wallet');
    await says(page, 'Development wallet: it pays with play money of the local chain');
    await expectAccessible(page, 'crypto-development-wallet-desktop');
    await payButton(page).click();
    await isCredited(page);
  });

  it('a code has the address and an amount of its own, by which a plain transfer is known', async () => {
    const page = await visits.tab(PHONE);
    const shop = await begin(page, {} as PageWallet);
    expect(await page.getByRole('link', { name: 'Open this page in MetaMask' }).getAttribute('href')).toBe(
      `https://metamask.app.link/dapp/${new URL(stack.apiUrl).host}/`,
    );
    await expectAccessible(page, 'crypto-wallets-phone');
    const first = shop.order().id;
    await page.getByText('Pay from a wallet elsewhere').click();
    await page.getByRole('button', { name: 'Get a QR code and an exact amount' }).click();
    const code = page.getByRole('img', { name: /Code for a wallet to scan/ });
    await code.waitFor();
    await vi.waitFor(() => expect(shop.order().id).not.toBe(first));
    const { payment } = shop.order();
    await page
      .getByText(`${(payment as unknown as { amount_eth: string }).amount_eth}`)
      .first()
      .waitFor();
    await expectAccessible(page, 'crypto-code-phone');
    const text = decoded((await code.locator('path').getAttribute('d')) ?? '');
    expect(text).toBe(`ethereum:${payment.address}@8453?value=${payment.amount_wei}`);
    const [, to, value] = /^ethereum:(0x\w+)@8453\?value=(\d+)$/.exec(text) ?? [];
    // Of nobody whose wallet is linked: that would count first.
    await chain('eth_sendTransaction', { from: STRANGER.address, to, value: toHex(BigInt(value ?? '')) });
    await isCredited(page);
  });

  it('a phone pays over WalletConnect, signs, and can leave', async () => {
    const phone = await startPhoneWallet(relay.url, stack.rpcUrl, PHONE_OWNER);
    try {
      const page = await visits.tab();
      await page.route('https://rpc.walletconnect.org/**', async route => {
        const response = await fetch(stack.rpcUrl, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: route.request().postData() ?? '',
        });
        await route.fulfill({
          json: await response.json(),
          headers: { 'access-control-allow-origin': '*' },
        });
      });
      await page.route('https://verify.walletconnect.org/**', route => route.fulfill({ status: 404 }));
      const shop = await begin(page, {} as PageWallet);
      await page.getByRole('button', { name: 'WalletConnect' }).click();
      const pairing = page.getByRole('region', { name: 'Pair your wallet' });
      await pairing.waitFor();
      const uri = (await pairing.locator('code').textContent()) ?? '';
      const code = pairing.getByRole('img', { name: 'Code for your wallet to scan' });
      expect(decoded((await code.locator('path').getAttribute('d')) ?? '')).toBe(uri);
      expect(uri).toMatch(/^wc:[0-9a-f]{64}@2\?/);
      await expectAccessible(page, 'crypto-walletconnect-desktop');
      await phone.pair(uri);
      await payButton(page).waitFor();
      expect(await page.getByTestId('wallet-account').textContent()).toBe(PHONE_OWNER.address);
      await payButton(page).click();
      await isCredited(page);
      await page.getByText('Link your wallet first').click();
      await page.getByRole('button', { name: 'Link this wallet' }).click();
      await page.getByText(/^Linked:/).waitFor();
      expect(phone.asked).toEqual(['eth_sendTransaction', 'personal_sign']);
      expect((await credited(shop)).payments).toHaveLength(1);

      await page.getByRole('button', { name: 'Start another order' }).click();
      await page.getByRole('button', { name: 'Pay with Crypto' }).click();
      await payButton(page).waitFor();
      await phone.leave();
      await says(page, /Your wallet is not connected any more/);
    } finally {
      await phone.stop();
    }
  });
});

describe('what arrived', () => {
  /** An order on the page, paid from outside with its reference. */
  async function paid(amountOf: (wei: bigint) => bigint): Promise<Shop> {
    const shop = await open();
    await buyer.pay(shop.order(), amountOf(BigInt(shop.order().payment.amount_wei)));
    await isCredited(shop.page);
    return shop;
  }

  it('is said to be less', async () => {
    const { page } = await paid(wei => wei / 2n);
    await page.getByRole('heading', { name: 'Less than the order' }).waitFor();
    await page.screenshot({ path: join(SCREENSHOTS, 'crypto-underpaid-desktop.png'), fullPage: true });
  });

  it('is said to be more', async () => {
    const { page } = await paid(wei => 2n * wei);
    await page.getByRole('heading', { name: 'Overpaid' }).waitFor();
  });

  it('is said to be taken back by the network, and to be there again', async () => {
    const shop = await paid(wei => wei);
    const hash = (await credited(shop)).payments[0]?.transaction as Hash;
    const raw = await chain('eth_getRawTransactionByHash', hash);
    await chain('anvil_reorg', 1, []);
    // The block after it is what shows that it is gone.
    await buyer.control.mine({ blocks: 2 });
    await shop.page.getByRole('heading', { name: 'Not in a block any more' }).waitFor();
    await shop.page.screenshot({ path: join(SCREENSHOTS, 'crypto-reorged-desktop.png'), fullPage: true });
    await chain('eth_sendRawTransaction', raw);
    await isCredited(shop.page);
  });

  // Last, since the chain's clock does not go back.
  it('is said to wait for a price, and to have come late', async () => {
    const shop = await open();
    await buyer.control.increaseTime({ seconds: 2_400 });
    await buyer.pay(shop.order());
    await shop.page.getByRole('heading', { name: 'Waiting for a price' }).waitFor();
    await shop.page.screenshot({ path: join(SCREENSHOTS, 'crypto-price-stale-desktop.png'), fullPage: true });
    await pushPrice(stack.rpcUrl, FIRST_PRICE);
    await isCredited(shop.page);
    await shop.page.getByRole('heading', { name: 'After the quote' }).waitFor();
  });
});

/** Anvil's own methods, for which viem has no name. */
async function chain(method: string, ...params: unknown[]): Promise<unknown> {
  return await eventually(
    method,
    () => buyer.reader.request({ method: method as never, params: params as never }),
    () => true,
  );
}

/** What a reader of codes reads off one, which is drawn as a path of unit squares. */
function decoded(path: string): string {
  const squares = [...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(
    ([, x, y]) => [Number(x), Number(y)] as const,
  );
  const size = Math.max(...squares.flat()) + 4;
  const scale = 4;
  const side = size * scale;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (const [x, y] of squares)
    for (let dy = 0; dy < scale; dy += 1)
      for (let dx = 0; dx < scale; dx += 1) {
        const at = ((y * scale + dy) * side + x * scale + dx) * 4;
        data.fill(0, at, at + 3);
      }
  return decodeQR({ width: side, height: side, data });
}
