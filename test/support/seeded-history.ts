/** Payments, spends, withdrawals and reorgs, drawn from a seed. */
import type { Hash } from 'viem';
import { referenceCalldata } from '../../ledger/index.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { readCredits } from '../../ledger/reads/credits.ts';
import { PAYMENT_ADDRESS } from './installation.ts';
import { DOLLAR_WEI, type PlacedOrder } from './intake-steps.ts';
import type { LyingChain } from './lying-chain.ts';
import { randomFrom } from './random-from.ts';
import type { Expected } from './right-books.ts';

const SERVICE_ID = 1;
/** The kinds of steps, each as often as it is probable. */
const STEPS = [
  ...['reference', 'reference', 'reference', 'contract', 'contract', 'batch', 'amount', 'nobody'],
  ...['spend', 'spend', 'withdraw', 'reorg', 'mine'],
] as const;

export class SeededHistory {
  readonly #lying: LyingChain;
  readonly #expected: Expected[];
  readonly #seed: number;
  readonly #random: () => number;
  /** The orders of this history. */
  readonly #own: Expected[] = [];
  #steps = 0;
  #withdrewAt = -1n;

  /** @param expected Takes up the orders, and what is spent of them. */
  constructor(lying: LyingChain, expected: Expected[], seed: number) {
    this.#lying = lying;
    this.#expected = expected;
    this.#seed = seed;
    this.#random = randomFrom(seed);
  }

  /** Takes the next step; returns what it was. */
  async step(): Promise<string> {
    this.#steps += 1;
    const kind = this.#pick(STEPS);
    const usd = 1n + BigInt(this.#below(20));
    switch (kind) {
      case 'reference': {
        const order = await this.#order(usd, 'reference');
        const change = this.#pick([0n, 0n, DOLLAR_WEI / 2n, -DOLLAR_WEI / 4n]);
        await this.#send((order.quotedWei ?? 0n) + change, order);
        break;
      }
      case 'contract': {
        const order = await this.#order(usd, 'reference');
        await this.#lying.payByContract(order.quotedWei ?? 0n, calldata(order));
        break;
      }
      case 'batch':
        await this.#lying.payBatch([usd * DOLLAR_WEI + 1n, 0n, 2n * DOLLAR_WEI + 3n]);
        break;
      case 'amount':
        await this.#send((await this.#order(usd, 'amount')).quotedWei ?? 0n, null);
        break;
      case 'nobody':
        await this.#send(usd * DOLLAR_WEI + 7n, null);
        break;
      case 'spend':
        return `${kind} ${await this.#spend()}`;
      case 'withdraw':
        this.#withdrewAt = (await this.#lying.withdraw(usd * 1000n)).blockNumber;
        break;
      case 'reorg':
        return `${kind} ${await this.#reorg()}`;
      case 'mine':
        await this.#lying.mine(1 + this.#below(3));
        break;
    }
    return `${kind} ${usd}`;
  }

  async #order(usd: bigint, knownBy: Expected['knownBy']): Promise<PlacedOrder> {
    const { steps } = this.#lying;
    // A buyer of its own each time: there is a limit for each.
    const address = `198.51.${100 + (this.#seed % 100)}.${this.#steps}`;
    const order = knownBy === 'amount' ? await steps.uniqueOrder(usd, { address }) : await steps.order(usd);
    const expected = { order, knownBy, createdAt: steps.now, spentMicrocredits: 0n };
    this.#expected.push(expected);
    this.#own.push(expected);
    return order;
  }

  async #send(value: bigint, order: PlacedOrder | null): Promise<void> {
    await this.#lying.send({
      to: PAYMENT_ADDRESS,
      value,
      ...(order === null ? {} : { data: calldata(order) }),
    });
  }

  /** Spends a part of what one of the orders has by now, which depends on what the worker has seen. */
  async #spend(): Promise<string> {
    const tenths = BigInt(1 + this.#below(9));
    if (this.#own.length === 0) return 'nothing';
    const chosen = this.#pick(this.#own);
    const { steps } = this.#lying;
    const { accountId } = chosen.order;
    const { availableMicrocredits } = await readCredits(steps.doors, accountId, steps.now);
    const amountMicrocredits = (availableMicrocredits * tenths) / 10n;
    if (amountMicrocredits === 0n) return 'nothing';
    const outcome = await steps.context.poster.submit(accountId, {
      type: 'debit',
      identity: commandIdentity({
        serviceId: SERVICE_ID,
        keyNumber: null,
        idempotencyKey: `${this.#seed} ${this.#steps}`,
        payload: String(amountMicrocredits),
      }),
      amountMicrocredits,
      details: null,
    });
    // Between reading and asking the worker may have taken it back.
    if (outcome.status !== 'accepted') return 'refused';
    chosen.spentMicrocredits += amountMicrocredits;
    return String(amountMicrocredits);
  }

  /** Replaces some blocks: of their transactions some are in the new ones, some are gone. */
  async #reorg(): Promise<string> {
    const { chain } = this.#lying;
    // A block that vanishes while Ponder fetches it costs half a minute.
    await this.#lying.indexed();
    const head = await chain.getBlockNumber({ cacheTime: 0 });
    // Two blocks back all is final here, and what leaves the address is taken from there for good.
    const wanted = 1 + this.#below(4);
    const depth = wanted <= 2 || head > this.#withdrewAt + 4n ? wanted : 2;
    const kept: [`0x${string}`, number][] = [];
    const dropped = new Set<string>();
    for (let back = depth - 1; back >= 0; back -= 1) {
      const block = await chain.getBlock({ blockNumber: head - BigInt(back), includeTransactions: true });
      for (const { hash, from } of block.transactions) {
        // What follows on one that is gone could not be put into a block.
        const isKept = this.#random() < 0.6 && !dropped.has(from);
        if (!isKept) dropped.add(from);
        else kept.push([await this.#lying.raw(hash as Hash), Math.min(kept.length, depth - 1)]);
      }
    }
    await this.#lying.reorg(depth, kept);
    return `of ${depth} blocks, ${kept.length} transactions stay`;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<Value>(values: readonly Value[]): Value {
    const value = values[this.#below(values.length)];
    if (value === undefined) throw new Error('there is nothing to choose from');
    return value;
  }
}

function calldata({ reference }: PlacedOrder): `0x${string}` {
  return referenceCalldata(reference) as `0x${string}`;
}
