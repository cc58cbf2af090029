/** How long after its block a payment can be spent, on the whole system as `npm start` composes it. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPublicClient, createTestClient, createWalletClient, type Hash, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { DEV_ACCOUNTS } from '../dev/accounts.ts';
import { type Buyer, buyerOn, type Order } from '../test/support/buyer.ts';
import { type Stack, startStack } from '../test/support/stack.ts';
import { type Figure, figureOf, median, percentile, rounded } from './figure.ts';
import { kept } from './kept.ts';
import { sizeOf } from './size.ts';

const PAYMENTS = sizeOf('PAYMENTS', 100);
/** Wallets that pay independently of one another, about one payment a block. */
const BUYERS = 4;
const WARM_UP_BLOCKS = 5;
const BLOCK_MS = 2000;
/** After its block a payment is asked for this often: what is measured is late by up to that. More would be a load of its own. */
const ASK_MS = 25;
const UNLIMITED = '1000000000';

/**
 * Anvil makes a block when this program asks it to, every two seconds as Base does. A payment's time begins just before
 * that, so that making the block counts too, and ends when a debit of all that was bought has succeeded.
 */
export async function measureBlockToCredit(say: (line: string) => void): Promise<Figure[]> {
  say('starting the chain, the indexer, the worker and the API');
  const stack = await kept(
    startStack({
      RATE_LIMIT_ANONYMOUS: UNLIMITED,
      RATE_LIMIT_NETWORK: UNLIMITED,
      RATE_LIMIT_KEY: UNLIMITED,
      RATE_LIMIT_SERVICE: UNLIMITED,
    }),
  );
  try {
    const buyer = buyerOn(stack);
    const secureKeys: string[] = [];
    // Each has an account with nothing left in it, before blocks are a matter of time.
    for (let index = 0; index < BUYERS; index += 1) secureKeys.push(await newAccount(buyer));
    const chain = await startBlocks(stack);
    const delaysMs: number[] = [];
    try {
      await sleep(WARM_UP_BLOCKS * BLOCK_MS);
      let left = PAYMENTS;
      const paying = secureKeys.map(async (secureKey, index) => {
        const payer = payerOn(stack, index);
        while (left > 0) {
          left -= 1;
          delaysMs.push(await delayOf({ buyer, chain, payer, secureKey }));
          if (delaysMs.length % 10 === 0)
            say(
              `${delaysMs.length} of ${PAYMENTS} payments, the last after ${delaysMs.at(-1)?.toFixed(0)} ms`,
            );
        }
      });
      await Promise.all(paying);
    } finally {
      await chain.stop();
    }
    const seconds = delaysMs.map(delay => delay / 1000);
    const figure = figureOf(
      {
        figure: 'block_to_credit',
        unit: 's after the block, p99',
        yardstick: `block time, ${BLOCK_MS / 1000} s`,
        atMost: 1,
      },
      [percentile(seconds, 99)],
      `${PAYMENTS} payments at random times: median ${median(seconds).toFixed(3)} s, worst ${Math.max(...seconds).toFixed(3)} s`,
    );
    return [{ ...figure, range: [rounded(Math.min(...seconds)), rounded(Math.max(...seconds))] }];
  } finally {
    await stack.stop();
  }
}

/** The key of an account that has bought once and spent all of it. */
async function newAccount(buyer: Buyer): Promise<string> {
  const order = await buyer.order('1');
  await buyer.pay(order);
  await buyer.credited(order);
  const secureKey = await buyer.claim(order);
  const { status } = await buyer.debit(secureKey, order.credits, order.id);
  if (status !== 201) throw new Error(`the first credits could not be spent: ${status}`);
  return secureKey;
}

interface Payment {
  readonly buyer: Buyer;
  readonly chain: Blocks;
  /** Sends what the order asks for, without waiting for a block. */
  readonly payer: (order: Order) => Promise<Hash>;
  readonly secureKey: string;
}

/** Pays at a random time; answers how many milliseconds after its block all of it was spent. */
async function delayOf({ buyer, chain, payer, secureKey }: Payment): Promise<number> {
  const wanted = { amount_usd: '1', method: 'eth' };
  const made = await buyer.api('POST', '/v1/orders', secureKey, wanted);
  if (made.status !== 201) throw new Error(`no order was made: ${JSON.stringify(made.body)}`);
  const order = made.body as unknown as Order;
  await sleep(randomInt(2 * BLOCK_MS));
  const minedAt = await chain.minedAt(await payer(order));
  for (;;) {
    const { status, body } = await buyer.debit(secureKey, order.credits, order.id);
    if (status === 201) return performance.now() - minedAt;
    if (status !== 402) throw new Error(`a debit was answered with ${status}: ${JSON.stringify(body)}`);
    if (performance.now() - minedAt > 60_000) throw new Error('a payment was not credited within a minute');
    await sleep(ASK_MS);
  }
}

function payerOn(stack: Stack, index: number): (order: Order) => Promise<Hash> {
  const account = DEV_ACCOUNTS[index];
  if (account === undefined) throw new Error(`there is no development account ${index}`);
  const wallet = createWalletClient({
    account: privateKeyToAccount(account.privateKey),
    chain: base,
    transport: http(stack.rpcUrl),
  });
  return async ({ payment }) =>
    await wallet.sendTransaction({
      to: payment.address,
      data: payment.calldata,
      value: BigInt(payment.amount_wei),
      // No estimate: it is an RPC's question more, and nothing of what is measured.
      gas: 100_000n,
    });
}

interface Blocks {
  /** By `performance.now()`: when the block with this transaction was about to be made. */
  minedAt(hash: Hash): Promise<number>;
  stop(): Promise<void>;
}

/** Has the chain make a block every `BLOCK_MS`, and at no other time. */
async function startBlocks({ rpcUrl }: Stack): Promise<Blocks> {
  const transport = http(rpcUrl);
  const reader = createPublicClient({ chain: base, transport });
  const control = createTestClient({ mode: 'anvil', chain: base, transport });
  await control.setAutomine(false);
  const instants = new Map<Hash, number>();
  const failing = new AbortController();
  let stopping = false;
  const making = (async () => {
    let due = performance.now();
    while (!stopping) {
      due += BLOCK_MS;
      await sleep(Math.max(0, due - performance.now()));
      const instant = performance.now();
      await control.mine({ blocks: 1 });
      for (const hash of (await reader.getBlock()).transactions) instants.set(hash, instant);
    }
  })();
  making.catch(error => failing.abort(error));
  return {
    async minedAt(hash) {
      for (;;) {
        failing.signal.throwIfAborted();
        const instant = instants.get(hash);
        if (instant !== undefined) return instant;
        await sleep(ASK_MS);
      }
    },
    async stop() {
      stopping = true;
      await making.catch(() => {});
    },
  };
}
