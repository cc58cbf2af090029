/** Where a payment stands, for whoever has the hash of its transaction, and the price that is shown before an order. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';
import { createPublicClient, createTestClient, createWalletClient, type Hash, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import { installFeeds, pushPrice } from '../../dev/price-feeds.ts';
import { SenderLists, SUSPENSE_REASONS, type SuspenseReason } from '../../ledger/index.ts';
import type { IndexedTransfer } from '../../ledger/intake/indexed-transfers.ts';
import { type ApiUnderTest, startApi } from '../support/api.ts';
import { createIndexerTables, reachBlock, setReady, showTransfer } from '../support/indexer-rows.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../support/intake.ts';

const DOLLAR_WEI = 500_000_000_000_000n;
const BLOCKED = DEV_ACCOUNTS[8];

let chain: LocalChain;
let api: ApiUnderTest;
let owner: pg.Pool;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE });
  await pushPrice(chain.rpcUrl, ANSWER);
  api = await startApi({
    rpcUrl: chain.rpcUrl,
    senders: new SenderLists({ blocked: [{ address: BLOCKED.address, name: 'an outlaw' }] }),
  });
  api.now = (await reader().getBlock()).timestamp * 1_000_000n;
  owner = new pg.Pool({ connectionString: api.database.url, max: 1 });
  // A pool keeps its connection; the database is dropped under it.
  owner.on('error', () => {});
  await createIndexerTables(owner);
});
afterAll(async () => {
  await owner?.end();
  await api?.stop();
  await chain?.stop();
});

const transport = () => http(chain.rpcUrl);
const reader = () => createPublicClient({ chain: base, transport: transport() });
const control = () => createTestClient({ mode: 'anvil', chain: base, transport: transport() });

/** A transaction on the chain, which is in no block unless it is mined. */
async function sent(wanted: { to?: string; value?: bigint; data?: Hash; isMined?: boolean }): Promise<Hash> {
  const account = privateKeyToAccount(DEV_ACCOUNTS[1].privateKey);
  const wallet = createWalletClient({ account, chain: base, transport: transport() });
  const { to = PAYMENT_ADDRESS, value = DOLLAR_WEI, data, isMined = true } = wanted;
  await control().setAutomine(isMined);
  return await wallet.sendTransaction({
    to: to as Hash,
    value,
    gas: 200_000n,
    ...(data === undefined ? {} : { data }),
  });
}

async function order() {
  const round = roundOf(ANSWER, api.now);
  return payable(await api.ledger.createOrder({ amountMicrousd: 1_000_000n, round, now: api.now }));
}

const DEAD = '0x000000000000000000000000000000000000dEaD';
const hashOf = ({ transactionHash }: { transactionHash: string }) => transactionHash;

/** A transaction of each standing. */
const STANDINGS: [standing: string, make: () => Promise<string>, detail: RegExp, advice: RegExp][] = [
  ['unknown', async () => `0x${randomBytes(32).toString('hex')}`, /knows no such/, /must be Base/],
  ['seen', () => sent({ isMined: false }), /in no block yet/, /Wait/],
  [
    'failed',
    // To a feed, which takes no ETH.
    () => sent({ to: '0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70' }),
    /it failed there/,
    /send the payment again/,
  ],
  [
    'unread',
    async () => {
      await reachBlock(owner, 0n);
      return await sent({});
    },
    /not been looked through/,
    /ask again/,
  ],
  ['elsewhere', () => readUp(sent({ to: DEAD })), /brings no ETH to the payment address/, /tokens/],
  ['elsewhere', () => readUp(sent({ value: 0n })), /brings no ETH/, /Compare the address/],
  ['confirmed', () => readUp(sent({})), /credits are on the way/, /Wait/],
  // By a contract wallet: only a frame within it goes to the payment address.
  ['confirmed', () => indexed(readUp(sentByCall())), /credits are on the way/, /Wait/],
  [
    'elsewhere',
    () => indexed(readUp(sentByCall()), { frameType: 'DELEGATECALL' }),
    /brings no ETH/,
    /Compare/,
  ],
  [
    'unread',
    async () => {
      await setReady(owner, false);
      return await readUp(sentByCall());
    },
    /not been looked through/,
    /ask again/,
  ],
  [
    'unread',
    async () => {
      await api.query(
        `insert into credits.alarms (kind, subject, message, raised_at)
         values ('rpc_without_traces', 'rpc', 'it does not trace', now())`,
      );
      return await readUp(sentByCall());
    },
    /not been looked through/,
    /contact the operator/,
  ],
  [
    'price_pending',
    async () => {
      const { reference, quotedWei } = await order();
      const payment = { calldata: calldataOf(reference), amountWei: quotedWei };
      return hashOf(await api.intake.record(payment));
    },
    /waits for a valid price/,
    /Do not pay again/,
  ],
  [
    'confirmed',
    async () => {
      const { reference, quotedWei } = await order();
      const standing = await api.intake.record({ calldata: calldataOf(reference), amountWei: quotedWei });
      await api.intake.price(standing);
      return hashOf(standing);
    },
    /credits are on the way/,
    /seconds/,
  ],
  ['credited', async () => hashOf((await api.customer()).payment), /is credited/, /\/account/],
  [
    'worth_nothing',
    async () => {
      const { reference } = await order();
      return hashOf(await api.intake.pay({ calldata: calldataOf(reference), amountWei: 1n }));
    },
    /nothing to credit/,
    /amount that your order names/,
  ],
  [
    'in_suspense',
    async () => hashOf(await api.intake.pay({ calldata: '0x', amountWei: DOLLAR_WEI })),
    /Nothing tells whose it is/,
    /Claim it with your key and wallet .* or contact the operator with this hash/,
  ],
  [
    'in_suspense',
    async () => {
      const transfer = { fromAddress: BLOCKED.address.toLowerCase() };
      return hashOf(await api.intake.pay({ calldata: '0x', amountWei: DOLLAR_WEI, transfer }));
    },
    // Nothing of the operator's list.
    /^It has arrived and is in suspense, credited to nobody yet\.$/,
    /^Claim it with your key and wallet .* or contact the operator/,
  ],
  [
    'in_suspense',
    async () => {
      const transfer = { frameType: 'SELFDESTRUCT' };
      return hashOf(await api.intake.pay({ calldata: '0x', amountWei: DOLLAR_WEI, transfer }));
    },
    /Nobody can be said to have sent it/,
    /^Nobody can prove/,
  ],
  [
    'reorged',
    async () => {
      const { payment } = await api.customer();
      await api.intake.vanish(payment);
      return hashOf(payment);
    },
    /the network has replaced/,
    /another block/,
  ],
];

/** A call of somebody else's contract, which may send ETH on. */
const sentByCall = () => sent({ to: DEAD, data: '0x01' });

/** The indexer shows a frame of it to the payment address. */
async function indexed(transaction: Promise<Hash>, change: Partial<IndexedTransfer> = {}): Promise<Hash> {
  const transactionHash = await transaction;
  const receipt = await reader().getTransactionReceipt({ hash: transactionHash });
  await showTransfer(owner, {
    ...{ transactionHash, transactionIndex: 0, traceIndex: 1, transactionType: 'eip1559' },
    ...{ direction: 'in', frameType: 'CALL', input: '0x', inputLength: 0 },
    ...{ blockNumber: receipt.blockNumber, blockHash: receipt.blockHash, blockTimestamp: 0n },
    ...{ fromAddress: DEAD.toLowerCase(), toAddress: PAYMENT_ADDRESS, amountWei: DOLLAR_WEI },
    ...change,
  });
  return transactionHash;
}

/** What anybody is told of each reason. */
const PUBLIC_REASONS = Object.entries({
  no_match: 'no_match',
  not_a_payment: 'not_a_payment',
  reference_unknown: 'reference_unknown',
  sender_blocked: 'kept_back',
  sender_changed: 'kept_back',
  unique_amount_taken: 'kept_back',
  unique_amount_not_in_force: 'kept_back',
  under_a_dollar: 'kept_back',
  too_many_lots: 'kept_back',
} satisfies Record<SuspenseReason, string>) as [SuspenseReason, string][];

async function readUp(transaction: Promise<Hash>): Promise<Hash> {
  const hash = await transaction;
  await reader().waitForTransactionReceipt({ hash });
  await reachBlock(owner, await reader().getBlockNumber({ cacheTime: 0 }));
  return hash;
}

describe('GET /v1/payments/{transaction}', () => {
  it.each(STANDINGS)('tells of one that is %s', async (standing, make, detail, advice) => {
    const transaction = await make();
    const { status, body } = await api.call('GET', `/v1/payments/${transaction}`);
    await control().setAutomine(true);
    await control().mine({ blocks: 1 });
    await setReady(owner, true);
    await api.query('delete from credits.alarms');
    expect({ status, body }).toMatchObject({ status: 200, body: { transaction, standing } });
    expect(body.detail).toMatch(detail);
    expect(body.advice).toMatch(advice);
  });

  it('tells in which block it is and how deep', async () => {
    const hash = await readUp(sent({}));
    await control().mine({ blocks: 3 });
    const { blockNumber } = await reader().getTransactionReceipt({ hash });
    const head = await reader().getBlockNumber({ cacheTime: 0 });
    const { body } = await api.call('GET', `/v1/payments/${hash}`);
    expect(body).toMatchObject({ block: String(blockNumber), finality: 'latest' });
    // The head may be some seconds old.
    expect(Number(body.confirmations)).toBeLessThanOrEqual(Number(head - blockNumber + 1n));
  });

  it('tells of each payment of one transaction, and of the one that needs somebody first', async () => {
    const { reference, quotedWei } = await order();
    const paid = await api.intake.pay({ calldata: calldataOf(reference), amountWei: quotedWei });
    const { transactionHash } = paid;
    await api.intake.pay({ calldata: '0x', amountWei: 7n, transfer: { transactionHash, traceIndex: 1 } });
    // Hashes are written in any case.
    const asked = `0x${transactionHash.slice(2).toUpperCase()}`;
    const { body } = await api.call('GET', `/v1/payments/${asked}`);
    expect(body).toMatchObject({ transaction: transactionHash, standing: 'in_suspense', reason: 'no_match' });
    expect(body.payments).toEqual([
      { standing: 'credited', reason: null, amount_wei: '500000000000000', amount_eth: '0.0005' },
      { standing: 'in_suspense', reason: 'no_match', amount_wei: '7', amount_eth: '0.000000000000000007' },
    ]);
  });

  it('has no reason that tells of orders, accounts or lists', async () => {
    const { transactionHash } = await api.intake.pay({ calldata: '0x', amountWei: DOLLAR_WEI });
    for (const [reason, told] of PUBLIC_REASONS) {
      await api.query('alter table credits.suspense_reasons disable trigger user');
      await api.query(
        `update credits.suspense_reasons s set reason = $1 from credits.receipt_inclusions i
         where i.bucket = s.bucket and i.receipt_id = s.receipt_id and i.transaction_hash = $2`,
        [reason, transactionHash],
      );
      await api.query('alter table credits.suspense_reasons enable trigger user');
      const { body, text } = await api.call('GET', `/v1/payments/${transactionHash}`);
      expect(body).toMatchObject({ standing: 'in_suspense', reason: told, payments: [{ reason: told }] });
      if (told === 'kept_back') expect(text).not.toContain(SUSPENSE_REASONS[reason]);
      else expect(body.detail).toContain(SUSPENSE_REASONS[reason]);
    }
  });

  it('says no more of one in suspense once somebody has been given it', async () => {
    const { receiptId, transactionHash } = await api.intake.pay({ calldata: '0x', amountWei: DOLLAR_WEI });
    const { orderId } = await api.customer();
    await api.call('POST', `/v1/operator/receipts/${receiptId}/assign`, {
      bearer: api.operatorToken,
      json: { order: orderId, reason: 'the sender has written to us' },
    });
    const { body } = await api.call('GET', `/v1/payments/${transactionHash}`);
    expect(body).toMatchObject({ standing: 'credited', reason: null });
  });

  it('names no order, account or key', async () => {
    const customer = await api.customer();
    const { text } = await api.call('GET', `/v1/payments/${customer.payment.transactionHash}`);
    expect(text).not.toMatch(/ord_|acct_|ai[a-z]{2}_/);
  });

  it('says that the chain is away where it is needed, and what is recorded all the same', async () => {
    const away = await startApi();
    try {
      const unknown = await away.call('GET', `/v1/payments/0x${'ab'.repeat(32)}`);
      expect(unknown).toMatchObject({ status: 503, body: { code: 'temporarily_unavailable' } });
      const { payment } = await away.customer();
      const known = await away.call('GET', `/v1/payments/${payment.transactionHash}`);
      expect(known).toMatchObject({ status: 200, body: { standing: 'credited', confirmations: null } });
    } finally {
      await away.stop();
    }
  });
});

describe('the RPC', () => {
  it('is asked for a few at a time', async () => {
    const silent = createServer(() => {});
    const port = await freePort();
    await new Promise<void>(resolve => silent.listen(port, '127.0.0.1', resolve));
    const asking = await startApi({ rpcUrl: `http://127.0.0.1:${port}` });
    try {
      const asked = [1, 2, 3, 4, 5].map(digit =>
        asking.call('GET', `/v1/payments/0x${String(digit).repeat(64)}`),
      );
      // The first to be answered, as the others wait.
      expect(await Promise.race(asked)).toMatchObject({ status: 503, body: { code: 'overloaded' } });
      silent.close();
      silent.closeAllConnections();
      const codes = (await Promise.all(asked)).map(({ body }) => body.code).sort();
      expect(codes).toEqual(['overloaded', ...Array.from({ length: 4 }, () => 'temporarily_unavailable')]);
    } finally {
      silent.closeAllConnections();
      await asking.stop();
    }
  });
});

describe('GET /v1/price', () => {
  it('is what an order is quoted by, with its source and age', async () => {
    const { body: price } = await api.call('GET', '/v1/price');
    expect(price).toMatchObject({
      eth_usd: '2000',
      source: 'Chainlink ETH/USD on Base (a stand-in)',
      quote_seconds: 600,
    });
    expect(Date.parse(String(price.updated_at))).toBeLessThanOrEqual(Date.parse(String(price.at)));
    const json = { amount_usd: '1', method: 'eth' };
    const { body: made } = await api.call<{ quote: object }>('POST', '/v1/orders', { json });
    expect(made.quote).toMatchObject({ eth_usd: price.eth_usd, round_id: price.round_id });
  });
});
