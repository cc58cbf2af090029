/** A buyer with a wallet on the local chain, and the requests that people and services send. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Address,
  createPublicClient,
  createTestClient,
  createWalletClient,
  encodeFunctionData,
  type Hash,
  type Hex,
  http,
  parseAbi,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import type { Stack } from './stack.ts';

export interface Order {
  readonly id: string;
  readonly secret: string;
  readonly credits: string;
  readonly payment: {
    readonly address: Address;
    readonly amount_wei: string;
    readonly calldata: Hex;
  };
}

export interface OrderStatus {
  readonly state: {
    readonly amount: string;
    readonly flags: readonly string[];
    readonly credited: boolean;
  };
  readonly payments: readonly {
    readonly transaction: Hash;
    readonly block: string;
    readonly credits: string | null;
    readonly credited: boolean;
    readonly reorged: boolean;
  }[];
}

/** Long enough for any recovery; a test that runs into it has failed. */
const WAIT_MS_MAX = 120_000;

/** Asked often at first, then seldom: asking must not keep busy what is waited for. */
const PAUSE_MS_FIRST = 25;
const PAUSE_MS_MAX = 250;

/** Asks until `accept` takes the answer; an error counts as not yet. */
export async function eventually<Value>(
  what: string,
  ask: () => Promise<Value>,
  accept: (value: Value) => boolean,
): Promise<Value> {
  const giveUpAt = performance.now() + WAIT_MS_MAX;
  let last: unknown;
  let pauseMs = PAUSE_MS_FIRST;
  while (performance.now() < giveUpAt) {
    try {
      const value = await ask();
      last = value;
      if (accept(value)) return value;
    } catch (error) {
      last = error;
    }
    await sleep(pauseMs);
    pauseMs = Math.min(1.25 * pauseMs, PAUSE_MS_MAX);
  }
  const seen =
    last instanceof Error
      ? last.message
      : JSON.stringify(last, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
  throw new Error(`${what} did not come about; last seen: ${seen}`);
}

export function buyerOn(stack: Stack) {
  const transport = http(stack.rpcUrl);
  const wallet = createWalletClient({
    account: privateKeyToAccount(DEV_ACCOUNTS[1].privateKey),
    chain: base,
    transport,
  });
  const reader = createPublicClient({ chain: base, transport, pollingInterval: 20 });
  const control = createTestClient({ mode: 'anvil', chain: base, transport });

  async function api(method: string, path: string, bearer?: string, body?: object, idempotencyKey?: string) {
    const answer = await fetch(stack.apiUrl + path, {
      method,
      headers: {
        ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
        ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  async function ok(answer: Promise<{ status: number; body: Record<string, unknown> }>) {
    const { status, body } = await answer;
    if (status >= 400) throw new Error(`the API answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  const status = async (order: Order) =>
    (await ok(api('GET', `/v1/orders/${order.id}`, order.secret))) as unknown as OrderStatus;

  return {
    reader,
    wallet,
    control,
    api,
    status,
    /** Makes an order, as soon as the API and the chain answer. */
    order: (amountUsd: string) =>
      eventually(
        'an order',
        async () =>
          (await ok(
            api('POST', '/v1/orders', undefined, { amount_usd: amountUsd, method: 'eth' }),
          )) as unknown as Order,
        () => true,
      ),
    /** Sends what the order asks for, or `value`, with the order's reference; resolves once it is in a block. */
    async pay(order: Order, value = BigInt(order.payment.amount_wei)): Promise<Hash> {
      const hash = await wallet.sendTransaction({
        to: order.payment.address,
        data: order.payment.calldata,
        value,
      });
      await reader.waitForTransactionReceipt({ hash });
      return hash;
    },
    credited: (order: Order, count = 1) =>
      eventually(
        'the credits',
        () => status(order),
        ({ payments }) => payments.filter(payment => payment.credited).length === count,
      ),
    claim: async (order: Order) =>
      String((await ok(api('POST', `/v1/orders/${order.id}/claim`, order.secret))).secure_key),
    credits: (key: string) => ok(api('GET', '/v1/credits', key)),
    debit: (key: string, amount: string, idempotencyKey: string) =>
      api('POST', '/v1/debits', stack.tokens.service, { secure_key: key, amount }, idempotencyKey),
    /** Balances by ledger account. */
    async trialBalance(): Promise<Map<string, bigint>> {
      const body = await ok(api('GET', '/v1/operator/trial-balance', stack.tokens.operator));
      const accounts = body.accounts as { account: string; balance: string }[];
      return new Map(accounts.map(({ account, balance }) => [account, BigInt(balance)]));
    },
    /** Deploys a contract and returns its address. */
    async deploy(bytecode: Hex): Promise<Address> {
      const hash = await wallet.deployContract({ abi: [], bytecode });
      const { contractAddress } = await reader.waitForTransactionReceipt({ hash });
      if (!contractAddress) throw new Error('the contract was not deployed');
      return contractAddress;
    },
    /** Calls a contract with value; resolves once it is in a block, also when it failed there. */
    async call(to: Address, signature: string, args: readonly unknown[], value: bigint): Promise<Hash> {
      const abi = parseAbi([signature] as readonly string[]);
      const data = encodeFunctionData({ abi, args } as Parameters<typeof encodeFunctionData>[0]);
      const hash = await wallet.sendTransaction({ to, data, value, gas: 1_000_000n });
      await reader.waitForTransactionReceipt({ hash });
      return hash;
    },
  };
}

export type Buyer = ReturnType<typeof buyerOn>;
