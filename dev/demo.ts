/**
 * `npm run demo`: the whole story on a fresh stack of its own, with the figures the design asks for. The chain and the
 * ledger's clock begin on 2026-03-01 at 14:59 UTC; the clock is then moved by hand, the way a month would move it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicClient, createTestClient, createWalletClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { BASE_CHAIN_ID, identifyChain } from '../api/chain-identity.ts';
import { DEFAULT_PAYMENT_ADDRESS as PAYMENT_ADDRESS } from '../api/config.ts';
import { DEFAULT_DOORS } from '../api/door-config.ts';
import { close, listen } from '../api/parts/api-part.ts';
import { type Instant, instantText, openLedger, parseAccountName, parseInstant } from '../ledger/index.ts';
import { DEV_ACCOUNTS } from './accounts.ts';
import { check, told } from './demo-checks.ts';
import { DemoClient } from './demo-client.ts';
import { freePort } from './free-port.ts';
import { startGround } from './ground.ts';
import { localBase } from './local-base.ts';
import { startIndexerChild } from './parts.ts';
import { pushPrice } from './price-feeds.ts';
import { startSupervisor } from './supervisor.ts';
import { ensureTokens } from './tokens.ts';

const PAID_AT = parseInstant('2026-03-01T15:00:00Z');
const SECOND = 1_000_000n;

if (process.argv.includes('--help')) {
  console.log(
    'usage: npm run demo\n\nTells the whole story on a fresh stack of its own. Exits 0 if every figure is right.',
  );
} else {
  process.exitCode = await main();
}

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'credits-demo-'));
  const cleanUps: (() => Promise<void>)[] = [
    () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  ];
  const cleanUp = async () => {
    for (const step of cleanUps.splice(0).reverse()) await step();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void cleanUp().then(() => process.exit(130)));
  try {
    await tell(folder, cleanUps);
    return 0;
  } catch (error) {
    console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await cleanUp();
  }
}

async function tell(folder: string, cleanUps: (() => Promise<void>)[]): Promise<void> {
  const { client, ledger, chain, tokens, clock } = await startStack(folder, cleanUps);

  told('A buyer orders credits for $10.');
  const order = await client.createOrder('10');
  check('credits to be received', order.credits, '100000');
  check('price quoted', order.quote.eth_usd, '3000');
  check('to pay, in wei', order.payment.amount_wei, '3333333333333334');

  told('The buyer pays on Base at 2026-03-01 15:00:00 UTC, with the reference of the order.');
  await chain.pay(order.payment, BigInt(order.payment.amount_wei), PAID_AT);
  clock.now = PAID_AT;
  const paid = await client.waitForPayments(order, 1);
  check('credited as', paid.payments[0]?.credits, '100000');
  check('order state', paid.state.amount, 'exact');

  told("The Secure Key is claimed with the order's secret, lost, and claimed again.");
  const lostKey = await client.claim(order);
  const key = await client.claim(order);
  check('the lost key opens', await client.statusOfCredits(lostKey), 401);
  check('the second key shows', (await client.credits(key)).available, '100000');
  check('the secret claims no more', await client.statusOfClaim(order), 409);

  told("ETH rises by 2 %, and the buyer pays half as much once more: a second lot, at the block's price.");
  await chain.pushPrice(306_000_000_000n, PAID_AT + 60n * SECOND);
  await chain.pay(order.payment, 1_666_666_666_666_667n, PAID_AT + 120n * SECOND);
  clock.now = PAID_AT + 120n * SECOND;
  const second = await client.waitForPayments(order, 2);
  check('credited as', second.payments.map(payment => payment.credits).sort()[1], '51000');
  check('available', (await client.credits(key)).available, '151000');

  told('An AI service debits 120,000 credits: the lot that expires first is used first.');
  clock.now = parseInstant('2026-03-01T20:00:00Z');
  const debit = await client.debit(tokens.service, key, '120000', 'job-1');
  check('left', debit.body.available, '31000');
  check('lots', (await client.credits(key)).lots.map(lot => lot.available).join(' + '), '0 + 31000');
  const again = await client.debit(tokens.service, key, '120000', 'job-1');
  check('asked again with the same key, the same entry answers', again.body.id, debit.body.id);
  check('and nothing more is spent', (await client.credits(key)).available, '31000');

  told('One microsecond before midnight 31,000.000001 credits are too much; at midnight they are not.');
  clock.now = parseInstant('2026-03-01T23:59:59.999999Z');
  const refused = await client.debit(tokens.service, key, '31000.000001', 'job-2');
  check('answer', `${refused.status} ${refused.body.code}`, '402 insufficient_credits');
  check('renews at', refused.body.renews_at, '2026-03-02T00:00:00.000000Z');
  clock.now = parseInstant('2026-03-02T00:00:00Z');
  check('renewed', (await client.credits(key)).available, '151000');
  const renewed = await client.debit(tokens.service, key, '31000.000001', 'job-2');
  check('left', renewed.body.available, '119999.999999');

  told('Thirty days after the first payment its lot is gone, two minutes later the second.');
  clock.now = parseInstant('2026-03-31T14:59:59.999999Z');
  const last = await client.credits(key);
  check('available in its last microsecond', last.available, '151000');
  check('renewals left', last.lots.map(lot => lot.renewals_left).join(' and '), '0 and 0');
  clock.now = parseInstant('2026-03-31T15:00:00Z');
  check('available at expiry', (await client.credits(key)).available, '51000');
  clock.now = parseInstant('2026-03-31T15:02:00Z');
  check('available two minutes later', (await client.credits(key)).available, '0');
  const late = await client.debit(tokens.service, key, '0.000001', 'job-3');
  check('a debit then', `${late.status} ${late.body.code}`, '402 insufficient_credits');

  told('The sweep posts what time has made due, and the books are closed.');
  await ledger.advance(parseAccountName(last.account) ?? 0n);
  const balances = new Map(
    (await client.trialBalance(tokens.operator)).map(row => [row.account, row.balance]),
  );
  for (const [account, balance] of balances) console.log(`    ${account.padEnd(62)} ${balance.padStart(20)}`);
  for (const asset of ['CREDIT', 'USD', 'ETH'])
    check(`${asset} sums to`, sumOf(balances, asset).toString(), '0');
  check('issued', balances.get('CREDIT:issued'), '-151000000000');
  check('renewed', balances.get('CREDIT:renewed'), '-151000000001');
  check('consumed', balances.get('CREDIT:consumed'), '151000000001');
  check('breakage', balances.get('CREDIT:breakage'), '151000000000');
  check('available', balances.get('CREDIT:available'), '0');
  check('deferred revenue', balances.get('USD:deferred_revenue'), '0');
  check('revenue, in micro-dollars', balances.get('USD:revenue'), '-15100000');
  const treasury = balances.get(`ETH:treasury:${BASE_CHAIN_ID}:${PAYMENT_ADDRESS.toLowerCase()}`);
  check('treasury', treasury, (await chain.balance()).toString());
  console.log('\nEvery figure is what the rules of the ledger say.');
}

function sumOf(balances: ReadonlyMap<string, string>, asset: string): bigint {
  let sum = 0n;
  for (const [account, balance] of balances) if (account.startsWith(`${asset}:`)) sum += BigInt(balance);
  return sum;
}

/** PostgreSQL, chain and Ponder as children; the API and the worker in this process, so that their clock can be moved. */
async function startStack(folder: string, cleanUps: (() => Promise<void>)[]) {
  const beginsAt = PAID_AT - 60n * SECOND;
  const clock: { now: Instant } = { now: beginsAt };
  console.log(`Starting a fresh stack; its clock says ${instantText(clock.now)}.`);
  const supervisor = startSupervisor({
    onFatal: error => {
      console.error(error.message);
      process.exitCode = 1;
    },
    onNotice: line => console.log(line),
  });
  cleanUps.push(() => supervisor.stop());
  const ground = await startGround({
    folder,
    supervisor,
    paymentAddress: PAYMENT_ADDRESS,
    chainBeginsAt: beginsAt / SECOND,
    log: () => {},
  });
  cleanUps.push(() => ground.stop());
  const { databaseUrl, rpcUrl } = ground;
  const tokens = await ensureTokens(folder, databaseUrl);
  await startIndexerChild(
    { supervisor, folder, databaseUrl, rpcUrl, paymentAddress: PAYMENT_ADDRESS },
    await freePort(),
  );
  const ledger = await openLedger({
    databaseUrl,
    rpcUrl,
    installation: {
      mode: 'dev',
      paymentAddress: PAYMENT_ADDRESS,
      ...(await identifyChain(rpcUrl, 'dev')),
    },
    clock: () => clock.now,
  });
  cleanUps.push(() => ledger.close());
  const intake = ledger.startIntake(() => {}, 0n);
  cleanUps.push(() => intake.stop());
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const doors = { ...DEFAULT_DOORS, loggedRequests: 'none' } as const;
  const config = { mode: 'dev', host: '127.0.0.1', port, publicUrl, trustedProxies: [], doors } as const;
  const server = await listen(config, ledger, console.error);
  cleanUps.push(() => close(server));
  return { client: new DemoClient(publicUrl), ledger, chain: demoChain(rpcUrl), tokens, clock };
}

/** The buyer's wallet, and the price, at block times of our choice. */
function demoChain(rpcUrl: string) {
  const transport = http(rpcUrl);
  const wallet = createWalletClient({
    account: privateKeyToAccount(DEV_ACCOUNTS[1].privateKey),
    chain: localBase,
    transport,
  });
  const clock = createTestClient({ mode: 'anvil', chain: localBase, transport });
  const reader = createPublicClient({ chain: localBase, transport });
  const nextBlockAt = (at: Instant) => clock.setNextBlockTimestamp({ timestamp: at / SECOND });
  return {
    async pay(payment: { address: string; calldata: string }, value: bigint, at: Instant) {
      await nextBlockAt(at);
      const hash = await wallet.sendTransaction({
        to: payment.address as `0x${string}`,
        data: payment.calldata as `0x${string}`,
        value,
      });
      await reader.waitForTransactionReceipt({ hash, pollingInterval: 50 });
    },
    async pushPrice(answer: bigint, at: Instant) {
      await nextBlockAt(at);
      await pushPrice(rpcUrl, answer);
    },
    balance: () => reader.getBalance({ address: PAYMENT_ADDRESS }),
  };
}
