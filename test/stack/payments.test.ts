/** Payments on the real chain, through the real indexer, into the real books. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Address,
  createWalletClient,
  encodeAbiParameters,
  encodeFunctionData,
  type Hash,
  type Hex,
  http,
  type Log,
  parseAbi,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { compileSolidity } from '../../dev/compile-solidity.ts';
import { openPool } from '../../ledger/index.ts';
import { type Buyer, buyerOn, eventually, type Order } from '../support/buyer.ts';
import { type Stack, startStack } from '../support/stack.ts';

const source = (name: string) => fileURLToPath(new URL(`../support/contracts/${name}.sol`, import.meta.url));
const NAMES = [
  'Forwarder',
  'RevertingForwarder',
  'DelegateCaller',
  'SelfDestructor',
  'EvenBlockPayer',
  'OwnedWallet',
] as const;

let stack: Stack;
let buyer: Buyer;
const contracts = new Map<string, Address>();

beforeAll(async () => {
  const compiled = compileSolidity(Object.fromEntries(NAMES.map(name => [name, source(name)])), {
    cacheFolder: SOLIDITY_CACHE,
  });
  stack = await startStack();
  buyer = buyerOn(stack);
  for (const name of NAMES) {
    const code = compiled[name]?.bytecode;
    if (!code) throw new Error(`${name} was not compiled`);
    contracts.set(name, await buyer.deploy(name === 'OwnedWallet' ? ofOwner(code) : code));
  }
});
afterAll(() => stack?.stop());

/** Who owns the contract wallet, and pays without a reference. */
const owner = privateKeyToAccount(DEV_ACCOUNTS[3].privateKey);

function ofOwner(code: Hex): Hex {
  return `${code}${encodeAbiParameters([{ type: 'address' }], [owner.address]).slice(2)}`;
}

function contract(name: (typeof NAMES)[number]): Address {
  const address = contracts.get(name);
  if (!address) throw new Error(`${name} was not deployed`);
  return address;
}

/** A payment that is certainly seen after everything that was sent before it. */
async function marker(): Promise<void> {
  const order = await buyer.order('1');
  await buyer.pay(order);
  await buyer.credited(order);
}

async function received(): Promise<bigint> {
  const balances = await buyer.trialBalance();
  return [...balances].find(([account]) => account.startsWith('ETH:treasury:'))?.[1] ?? 0n;
}

describe('a payment', () => {
  test('becomes a lot, a key, a debit and a balanced journal', async () => {
    const order = await buyer.order('12.34');
    expect(order.credits).toBe('123400');
    await buyer.pay(order);
    const { state, payments } = await buyer.credited(order);
    expect(state).toMatchObject({ amount: 'exact', flags: [] });
    expect(payments).toMatchObject([{ credits: '123400', reorged: false }]);
    const key = await buyer.claim(order);
    expect(await buyer.debit(key, '400', 'job')).toMatchObject({
      status: 201,
      body: { available: '123000' },
    });
    expect(await buyer.credits(key)).toMatchObject({
      available: '123000',
      lots: [{ face: '123400', available: '123000', policy: 'refill', paid_usd: '12.34' }],
    });
    const sums = new Map<string, bigint>();
    for (const [account, balance] of await buyer.trialBalance()) {
      const asset = account.slice(0, account.indexOf(':'));
      sums.set(asset, (sums.get(asset) ?? 0n) + balance);
    }
    expect(sums).toEqual(
      new Map([
        ['CREDIT', 0n],
        ['USD', 0n],
        ['ETH', 0n],
      ]),
    );
  });

  test('from a contract wallet is found by the reference in the frame that carries the value', async () => {
    const order = await buyer.order('5');
    const { address, calldata, amount_wei } = order.payment;
    await buyer.call(
      contract('Forwarder'),
      'function forward(address target, bytes input) payable',
      [address, calldata],
      BigInt(amount_wei),
    );
    expect((await buyer.credited(order)).payments).toMatchObject([{ credits: '50000' }]);
  });

  test('of a contract that only carries the reference outside stays in suspense', async () => {
    const order = await buyer.order('5');
    const before = (await buyer.trialBalance()).get('ETH:suspense') ?? 0n;
    const value = BigInt(order.payment.amount_wei);
    const abi = parseAbi(['function forward(address target, bytes input) payable']);
    const outer = encodeFunctionData({ abi, args: [order.payment.address, '0x'] });
    // The reference stands behind the call's own arguments, where anybody could have put it.
    const data = `${outer}${order.payment.calldata.slice(2)}` as Hex;
    const hash = await buyer.wallet.sendTransaction({ to: contract('Forwarder'), data, value });
    await buyer.reader.waitForTransactionReceipt({ hash });
    await marker();
    expect((await buyer.status(order)).payments).toEqual([]);
    expect((await buyer.trialBalance()).get('ETH:suspense')).toBe(before - value);
  });

  test('of an amount that is one order’s alone needs no reference: it tops up the key’s account', async () => {
    const first = await buyer.order('1');
    await buyer.pay(first);
    await buyer.credited(first);
    const key = await buyer.claim(first);
    const wanted = { amount_usd: '3', method: 'eth', unique_amount: true };
    const order = (await buyer.api('POST', '/v1/orders', key, wanted)).body as unknown as Order;
    await send(order.payment.address, BigInt(order.payment.amount_wei));
    await buyer.credited(order);
    const { available } = await buyer.credits(key);
    // A few cents more than $4, which are credited like the rest.
    expect(Number(available)).toBeGreaterThanOrEqual(40_000);
    expect(Number(available)).toBeLessThan(40_500);
  });

  test('that nothing tells the owner of waits, until an operator gives it to an order: its buyer gets the key', async () => {
    const order = await buyer.order('2');
    const hash = await send(order.payment.address, BigInt(order.payment.amount_wei));
    const { operator } = stack.tokens;
    const { receipts } = await eventually(
      'the payment in suspense',
      async () =>
        (await buyer.api('GET', '/v1/operator/suspense', operator)).body as {
          receipts: { receipt: string; transaction: Hash; reason: string; amount_usd: string | null }[];
        },
      ({ receipts: [newest] }) => newest?.transaction === hash && newest.amount_usd !== null,
    );
    expect(receipts[0]).toMatchObject({ reason: 'no_match', amount_usd: '2' });
    const path = `/v1/operator/receipts/${receipts[0]?.receipt}/assign`;
    const wanted = { order: order.id, reason: 'they showed us the transaction' };
    expect(await buyer.api('POST', path, operator, wanted)).toMatchObject({ status: 200 });
    expect(await buyer.credits(await buyer.claim(order))).toMatchObject({ available: '20000' });
  });

  /** A plain transfer without data; resolves once it is in a block. */
  async function send(to: Address, value: bigint): Promise<Hash> {
    const hash = await buyer.wallet.sendTransaction({ to, value });
    await buyer.reader.waitForTransactionReceipt({ hash, pollingInterval: 50 });
    return hash;
  }

  test('whose inner call is undone is none', async () => {
    const before = await received();
    const order = await buyer.order('5');
    await buyer.call(
      contract('RevertingForwarder'),
      'function payAndSwallow(address target) payable',
      [order.payment.address],
      BigInt(order.payment.amount_wei),
    );
    expect(await received()).toBe(before);
    await marker();
    expect(await received()).toBe(await buyer.reader.getBalance({ address: order.payment.address }));
  });

  test('by DELEGATECALL or CALLCODE is none: the frame repeats a value that never moves', async () => {
    const order = await buyer.order('5');
    const { address, calldata, amount_wei } = order.payment;
    await buyer.call(
      contract('DelegateCaller'),
      'function delegate(address target, bytes input) payable',
      [address, calldata],
      BigInt(amount_wei),
    );
    const callcode = await buyer.wallet.sendTransaction({
      to: contract('DelegateCaller'),
      data: `0x${address.slice(2).padStart(64, '0')}`,
      value: BigInt(amount_wei),
    });
    await buyer.reader.waitForTransactionReceipt({ hash: callcode });
    await marker();
    expect((await buyer.status(order)).payments).toEqual([]);
    expect(await received()).toBe(await buyer.reader.getBalance({ address }));
  });

  test('without a reference is credited by the link of its wallet, and claimed from a contract wallet', async () => {
    const wallet = createWalletClient({ account: owner, chain: base, transport: http(stack.rpcUrl) });
    const order = await buyer.order('5');
    const value = BigInt(order.payment.amount_wei);
    /** Asks for a challenge, has the owner sign it and sends it back. */
    const signed = async (action: string, door: string, bearer: string, fields: { address: Address }) => {
      const { body } = await buyer.api('POST', '/v1/wallets/challenges', bearer, { action, ...fields });
      const message = String(body.message);
      const signature = await owner.signMessage({ message });
      return await buyer.api('POST', door, bearer, { ...fields, message, signature });
    };
    const link = { address: owner.address, order: order.id };
    expect((await signed('link', '/v1/wallets', order.secret, link)).status).toBe(201);
    // A local chain's clock may be a second behind ours, in which the link was not there yet.
    await buyer.control.increaseTime({ seconds: 2 });
    await wallet.sendTransaction({ to: order.payment.address, value });
    expect((await buyer.credited(order)).payments).toMatchObject([{ credits: '50000' }]);
    const key = await buyer.claim(order);

    const address = contract('OwnedWallet');
    await wallet.sendTransaction({ to: address, value });
    const abi = parseAbi(['function pay(address target, uint256 amount, bytes input)']);
    const data = encodeFunctionData({ abi, args: [order.payment.address, value, '0x'] });
    const transaction = await wallet.sendTransaction({ to: address, data });
    await marker();
    expect(await buyer.credits(key)).toMatchObject({ available: '50000' });
    await buyer.control.mine({ blocks: 2 });
    const claim = { address, transaction };
    expect((await signed('claim', '/v1/wallets/claims', key, claim)).status).toBe(201);
    expect(await buyer.credits(key)).toMatchObject({ available: '100000' });
  });

  test('by SELFDESTRUCT is money of nobody', async () => {
    const order = await buyer.order('5');
    const before = (await buyer.trialBalance()).get('ETH:suspense') ?? 0n;
    const hash = await buyer.call(
      contract('SelfDestructor'),
      'function destroy(address target) payable',
      [order.payment.address],
      777n,
    );
    const { status }: { status: string; logs: Log[] } = await buyer.reader.getTransactionReceipt({ hash });
    expect(status).toBe('success');
    await marker();
    expect((await buyer.trialBalance()).get('ETH:suspense')).toBe(before - 777n);
  });
});

describe('a payment by card', () => {
  const submit = async (path: string, fields: Record<string, string>) => {
    const body = new URLSearchParams(fields);
    const url = stack.cardSimulatorUrl + path;
    const { status, headers } = await fetch(url, { method: 'POST', body, redirect: 'manual' });
    return { status, location: headers.get('location') };
  };

  test('on the hosted page is credited by its webhook, spent, and partly refunded', async () => {
    const { status, body } = await buyer.api('POST', '/v1/orders', undefined, {
      amount_usd: '10',
      method: 'card',
    });
    expect(status).toBe(201);
    const order = body as unknown as Order & { readonly checkout: { readonly url: string } };
    expect(await submit(new URL(order.checkout.url).pathname, { choice: 'card' })).toEqual({
      status: 303,
      location: `${stack.apiUrl}/?order=${order.id}&checkout=done`,
    });
    await buyer.credited(order);
    const key = await buyer.claim(order);
    expect(await buyer.debit(key, '40000', 'card-job')).toMatchObject({ body: { available: '60000' } });

    const receiptOf = async () => (await buyer.api('GET', `/v1/orders/${order.id}/receipt`, key)).body;
    const receipt = await receiptOf();
    expect(receipt).toMatchObject({ remaining: '60000', payments: [{ amount_usd: '10', lots: [{}] }] });
    const [payment] = receipt.payments as { receipt_url: string }[];
    const chargeId = payment?.receipt_url.split('/').at(-1);
    expect(await submit(`/dashboard/charges/${chargeId}/refund`, { amount_cents: '500' })).toMatchObject({
      status: 303,
    });
    const after = await eventually('the clawback', receiptOf, ({ remaining }) => remaining === '10000');
    expect(after).toMatchObject({ debt: '0', payments: [{ refunded_usd: '5', lots: [{ face: '50000' }] }] });
    const balances = await buyer.trialBalance();
    // 2.9 % and 30 cents.
    expect(balances.get('USD:fees')).toBe(590_000n);
    expect(balances.get('USD:cash:stripe')).toBe(5_000_000n - 590_000n);
    expect(balances.get('USD:clearing') ?? 0n).toBe(0n);
  });
});

describe('a reorg', () => {
  test('that drops a payment takes its credits back; what was spent is owed', async () => {
    const order = await buyer.order('10');
    await buyer.pay(order);
    await buyer.credited(order);
    const key = await buyer.claim(order);
    await buyer.debit(key, '40000', 'job');
    await reorg(1);
    await buyer.control.mine({ blocks: 6 });
    await eventually(
      'the reversal',
      () => buyer.status(order),
      ({ payments }) => payments[0]?.reorged === true,
    );
    await eventually(
      'the clawback',
      () => buyer.credits(key),
      credits => credits.debt === '40000',
    );
    expect(await buyer.credits(key)).toMatchObject({ available: '0', lots: [] });
    expect(await buyer.debit(key, '1', 'job-2')).toMatchObject({ status: 402, body: { code: 'debt_open' } });

    // The next payment of the order settles what is owed.
    await buyer.pay(order);
    await buyer.credited(order);
    expect(await buyer.credits(key)).toMatchObject({ available: '60000', debt: '0' });
  });

  test('that moves a payment to another block leaves it credited once', async () => {
    const order = await buyer.order('10');
    const hash = await buyer.pay(order);
    const first = await buyer.credited(order);
    const raw = await rawTransaction(hash);
    // The blocks of the last payment and one more are replaced; the payment comes in the second of them.
    await buyer.control.mine({ blocks: 1 });
    await reorg(2, [[raw, 1]]);
    await buyer.control.mine({ blocks: 6 });
    const moved = await eventually(
      'the new inclusion',
      () => buyer.status(order),
      ({ payments }) =>
        payments.length === 1 &&
        payments[0]?.credited === true &&
        payments[0].block !== first.payments[0]?.block,
    );
    expect(moved.payments).toMatchObject([{ transaction: hash, credits: '100000' }]);
    const key = await buyer.claim(order);
    expect(await buyer.credits(key)).toMatchObject({ available: '100000', debt: '0' });
  });

  test('that leaves the transaction and undoes what it paid takes its credits back', async () => {
    if ((await buyer.reader.getBlockNumber()) % 2n === 0n) await buyer.control.mine({ blocks: 1 });
    const order = await buyer.order('10');
    const { address, calldata, amount_wei } = order.payment;
    const hash = await buyer.call(
      contract('EvenBlockPayer'),
      'function pay(address target, bytes input) payable',
      [address, calldata],
      BigInt(amount_wei),
    );
    await buyer.credited(order);
    const raw = await rawTransaction(hash);
    await buyer.control.mine({ blocks: 1 });
    await reorg(2, [[raw, 1]]);
    await buyer.control.mine({ blocks: 6 });
    const undone = await eventually(
      'the reversal',
      () => buyer.status(order),
      ({ payments }) => payments[0]?.reorged === true,
    );
    expect(undone.payments).toHaveLength(1);
    expect((await buyer.reader.getTransactionReceipt({ hash })).status).toBe('success');
    await eventually(
      'the clawback',
      () => buyer.status(order),
      ({ state }) => !state.credited,
    );
  });

  test('leaves the treasury what the chain says it is, and nothing between the books', async () => {
    await marker();
    const balances = await buyer.trialBalance();
    const { payment } = await buyer.order('1');
    expect(await received()).toBe(await buyer.reader.getBalance({ address: payment.address }));
    expect(balances.get('USD:clearing')).toBe(0n);
  });
});

describe('what the indexer tells', () => {
  test('of another payment address is taken in by nobody, until it is gone', async () => {
    const owner = openPool({ databaseUrl: stack.databaseUrl, max: 1 });
    const order = await buyer.order('1');
    const hash = await buyer.pay(order);
    await buyer.credited(order);
    const stranger = `0x${'ee'.repeat(20)}`;
    // Ponder's triggers work in Ponder's own sessions only.
    await owner.query("set session_replication_role = 'replica'");
    const renamed = `update chain.transfer set to_address = $1 where transaction_hash = $2 and to_address = $3`;
    const { address } = order.payment;
    const { rows } = await owner.query<{ to_address: string }>(
      'select to_address from chain.transfer where transaction_hash = $1',
      [hash],
    );
    const own = rows[0]?.to_address;
    expect(own?.toLowerCase()).toBe(address.toLowerCase());
    await owner.query(renamed, [stranger, hash, own]);
    const next = await buyer.order('1');
    await buyer.pay(next);
    await eventually(
      'the complaint',
      async () =>
        (await readFile(join(stack.folder, 'logs', 'worker.log'), 'utf8')).includes('the indexer is not of'),
      complained => complained,
    );
    expect((await buyer.status(next)).payments).toEqual([]);
    await owner.query(renamed, [own, hash, stranger]);
    await owner.end();
    await buyer.credited(next);
  });

  test('too late, of a block that was settled without it, is found when the worker starts', async () => {
    const owner = openPool({ databaseUrl: stack.databaseUrl, max: 1 });
    await marker();
    // As if an RPC had answered an empty trace for the next blocks, until they were final.
    await owner.query(
      `insert into chain_progress (chain_id, settled_block, updated_at) values (8453, 1000000, now())
       on conflict (chain_id) do update set settled_block = excluded.settled_block`,
    );
    await owner.end();
    const order = await buyer.order('1');
    await buyer.pay(order);
    await buyer.control.mine({ blocks: 6 });
    await stack.kill('the worker');
    await buyer.credited(order);
    await marker();
  });
});

/** The signed bytes. Anvil knows them; viem has no name for the method. */
async function rawTransaction(hash: Hash): Promise<unknown> {
  return await buyer.reader.request({
    method: 'eth_getRawTransactionByHash' as never,
    params: [hash] as never,
  });
}

async function reorg(
  depth: number,
  transactions: readonly (readonly [unknown, number])[] = [],
): Promise<void> {
  await buyer.reader.request({
    method: 'anvil_reorg' as never,
    params: [depth, transactions] as never,
  });
}
