/** The books of a real chain's payments compared with that chain: nothing when they are right, and what was made up. */
import {
  type Address,
  createPublicClient,
  createTestClient,
  type Hash,
  http,
  parseEther,
  publicActions,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { freePort } from '../../../dev/free-port.ts';
import { instantOfSeconds } from '../../../ledger/core/instant.ts';
import { openPool } from '../../../ledger/index.ts';
import { type BalanceContext, checkBalance } from '../../../ledger/intake/balance-check.ts';
import { type Reconciliation, reconcile } from '../../../ledger/reconciliation/reconcile.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { PAYMENT_ADDRESS } from '../../support/installation.ts';
import { IntakeSteps } from '../../support/intake-steps.ts';
import { whilePlanted } from '../../support/planted.ts';

const payer = privateKeyToAccount(DEV_ACCOUNTS[1].privateKey);
const receipts: string[] = [];

let chain: LocalChain;
let client: ReturnType<typeof clientAt>;
let database: TestDatabase;
let steps: IntakeSteps;
let context: BalanceContext;
let auditor: ReturnType<typeof openPool>;

beforeAll(async () => {
  [chain, database] = await Promise.all([startChain({ port: await freePort() }), createDatabase()]);
  client = clientAt(chain.rpcUrl);
  const owner = openPool({ databaseUrl: database.url, max: 1 });
  // The template was made for no chain in particular.
  const { hash } = await client.getBlock({ blockNumber: 0n });
  await owner.query(
    `begin; set local session_replication_role = 'replica'; update installation set genesis_hash = '${hash}'; commit`,
  );
  await owner.end();
  await client.mine({ blocks: 1 });
  const now = instantOfSeconds((await client.getBlock()).timestamp);
  steps = await IntakeSteps.open(database.url, now, { rpcUrl: chain.rpcUrl });
  context = {
    ...steps.context,
    client: createPublicClient({ transport: http(chain.rpcUrl), cacheTime: 0 }),
    startBlock: await client.getBlockNumber(),
  };
  auditor = openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 2 });
  for (const usd of [1n, 2n, 3n]) receipts.push(await pay(usd));
  await checkAtHead();
});
afterAll(async () => {
  await Promise.all([chain?.kill(), auditor?.end(), steps?.close()]);
  await database?.drop();
});

function clientAt(rpcUrl: string) {
  return createTestClient({
    mode: 'anvil',
    chain: base,
    transport: http(rpcUrl),
    cacheTime: 0,
    pollingInterval: 20,
  })
    .extend(publicActions)
    .extend(walletActions);
}

/** Pays so many finneys on the chain, and takes it in as the indexer would tell of it; returns the receipt. */
async function pay(finneys: bigint): Promise<string> {
  // Blocks of one second could not be told apart by an instant.
  await client.increaseTime({ seconds: 60 });
  const hash = await client.sendTransaction({
    account: payer,
    to: PAYMENT_ADDRESS as Address,
    value: parseEther('0.001') * finneys,
  });
  return await takeIn(hash);
}

async function takeIn(hash: Hash): Promise<string> {
  const { blockNumber, transactionIndex } = await client.waitForTransactionReceipt({ hash });
  const { hash: blockHash, timestamp } = await client.getBlock({ blockNumber });
  const { value } = await client.getTransaction({ hash });
  steps.now = instantOfSeconds(timestamp);
  const transfer = steps.transfer(null, {
    ...{ transactionHash: hash, transactionIndex, blockNumber, blockHash },
    ...{ blockTimestamp: timestamp, amountWei: value, fromAddress: payer.address.toLowerCase() },
  });
  await steps.record(transfer);
  const standing = await steps.standing(transfer);
  await steps.price(standing);
  return standing.receiptId;
}

/** The worker's own comparison, at the newest block, which two more make final. */
async function checkAtHead(): Promise<void> {
  const block = await client.getBlockNumber();
  await client.mine({ blocks: 2 });
  steps.now = instantOfSeconds((await client.getBlock()).timestamp) + 1n;
  await checkBalance(context, block);
}

function made(rpcUrl = chain.rpcUrl): Promise<Reconciliation> {
  return reconcile(auditor, { at: steps.now, rpcUrl });
}

function told({ differences }: Reconciliation): string[] {
  return differences.map(({ part, kind, receipt }) => `${part} ${kind} ${receipt ?? '-'}`).sort();
}

describe('compared with the chain', () => {
  test('what is right has no difference, and says at which block', async () => {
    const found = await made();
    expect(found.differences).toEqual([]);
    if (found.chain.status !== 'compared') throw new Error(found.chain.why);
    const balance = await client.getBalance({ address: PAYMENT_ADDRESS as Address });
    expect(found.chain.figures).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ what: 'balance on the chain', value: String(balance) }),
        expect.objectContaining({ what: 'payments compared', value: '3' }),
        expect.objectContaining({ what: 'of these without a trace', value: '0' }),
      ]),
    );
  });

  test('a payment that never was', async () => {
    const invented = 'eth:8453:0xinvented:0';
    const hash = `0x${'ee'.repeat(32)}`;
    const plant = {
      statement: `
        insert into receipts select bucket, '${invented}', first_noticed_at from receipts where receipt_id = '${receipts[0]}';
        insert into receipt_inclusions select bucket, '${invented}', version, outcome, block_number, block_hash, block_at,
          '${hash}', transaction_index, trace_index, frame_type, transaction_type, from_address, amount_wei, input,
          noticed_at from receipt_inclusions where receipt_id = '${receipts[0]}'`,
      tables: ['receipts', 'receipt_inclusions'],
    };
    const found = told(await whilePlanted(steps.owner, plant, () => made()));
    expect(found).toEqual(
      expect.arrayContaining([
        `chain payment_not_on_chain ${invented}`,
        'chain balance_differs -',
        `ledger entry_missing ${invented}`,
      ]),
    );
  });

  test.each([
    { what: 'an altered amount', set: 'amount_wei = amount_wei + 1', kind: 'payment_not_on_chain' },
    { what: 'another sender', set: `from_address = '0x${'11'.repeat(20)}'`, kind: 'payment_not_on_chain' },
    { what: 'a frame that is not there', set: 'trace_index = 7', kind: 'payment_not_on_chain' },
    { what: 'a block that is not there', set: `block_hash = '0x${'22'.repeat(32)}'`, kind: 'block_replaced' },
  ])('$what', async ({ set, kind }) => {
    const statement = `update receipt_inclusions set ${set} where receipt_id = '${receipts[1]}'`;
    const plant = { statement, tables: ['receipt_inclusions'] };
    const found = told(await whilePlanted(steps.owner, plant, () => made()));
    expect(found).toContain(`chain ${kind} ${receipts[1]}`);
    expect(await made().then(told)).toEqual([]);
  });

  test('a payment whose facts, receipt and entry were all deleted shows in the balance', async () => {
    const of = `receipt_id = '${receipts[2]}'`;
    const entries = `account_id = 0 and (bucket, seq) in
      (select bucket, seq from entries where details like '%${receipts[2]}%')`;
    const plant = {
      statement: `delete from postings where ${entries}; delete from entries where ${entries};
        delete from receipts where ${of}; delete from receipt_inclusions where ${of};
        delete from price_records where ${of}; delete from suspense_reasons where ${of}`,
      tables: ['postings', 'entries', 'receipts', 'receipt_inclusions', 'price_records', 'suspense_reasons'],
    };
    const found = await whilePlanted(steps.owner, plant, () => made());
    expect(told(found)).toEqual(['chain balance_differs -']);
    expect(found.differences[0]).toMatchObject({
      expected: String(parseEther('0.003')),
      found: String(parseEther('0.006')),
    });
  });

  test('as of the past, at the last block of then', async () => {
    const first = await client.getBlock({ blockNumber: 2n });
    const found = await reconcile(auditor, { at: instantOfSeconds(first.timestamp), rpcUrl: chain.rpcUrl });
    expect(found.chain).toMatchObject({
      figures: expect.arrayContaining([
        expect.objectContaining({ what: 'block of the balance', value: '2' }),
        expect.objectContaining({ what: 'payments compared', value: '1' }),
      ]),
    });
    expect(found.differences).toEqual([]);
  });

  test('an RPC that is away, or of another chain, compares nothing', async () => {
    expect((await made('http://127.0.0.1:1')).chain).toMatchObject({ status: 'not_compared' });
    const other = await startChain({ port: await freePort(), beginsAt: 1_700_000_000n });
    try {
      const found = await made(other.rpcUrl);
      expect(found.chain).toMatchObject({
        status: 'not_compared',
        why: expect.stringContaining('another chain'),
      });
      expect(found.differences).toEqual([]);
    } finally {
      await other.kill();
    }
  });

  test('a treasury that is short', async () => {
    const balance = await client.getBalance({ address: PAYMENT_ADDRESS as Address });
    await client.setBalance({ address: PAYMENT_ADDRESS as Address, value: balance - 5n });
    await client.mine({ blocks: 1 });
    await checkAtHead();
    const found = await made();
    expect(found.differences.map(({ kind, expected, found: is }) => [kind, expected, is])).toEqual([
      ['balance_differs', '0', '-5'],
      ['balance_differs', String(balance), String(balance - 5n)],
    ]);
  });
});
