/**
 * A year of a busy service, drawn from a seed: many accounts that pay by card and in ETH, spend, hold, capture and
 * reverse, whose payments are refunded, disputed and taken back by the chain, and whose lots renew and expire. Made by
 * the steps that live payments take, at instants of the year.
 */
import type Stripe from 'stripe';
import { adjustmentPayload } from '../../ledger/core/adjustment.ts';
import { DAY, HOUR, type Instant, MINUTE } from '../../ledger/core/instant.ts';
import type { Included } from '../../ledger/intake/receipt-facts.ts';
import type { Outcome, Request } from '../../ledger/posting/batch.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { readCredits } from '../../ledger/reads/credits.ts';
import { parseInstant } from '../../ledger/store/instant-text.ts';
import { CardShop } from './card-shop.ts';
import { ANSWER, DOLLAR_WEI, type IntakeSteps } from './intake-steps.ts';
import { randomFrom } from './random-from.ts';

export interface BusyYear {
  readonly begins: Instant;
  readonly ends: Instant;
  readonly accountIds: readonly bigint[];
  /** How many of each thing happened. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface BusyYearOptions {
  readonly databaseUrl: string;
  readonly seed: number;
  readonly accounts: number;
  /** What of the accounts pays by card, in hundredths; the others in ETH. */
  readonly byCard: number;
  /** Is given the shop when the year is over, before it is closed. */
  readonly afterwards?: (shop: CardShop) => Promise<void>;
}

const BEGINS = parseInstant('2026-01-01T00:00:00Z');
const SLOT = 12n * HOUR;
const SLOTS = 365 * 2;

type Action = () => Promise<void>;

/** Writes the year into an installed, empty database. */
export async function writeBusyYear(options: BusyYearOptions): Promise<BusyYear> {
  const shop = await CardShop.open(options.databaseUrl, BEGINS);
  try {
    const year = new Year(shop, options);
    const written = await year.live();
    await options.afterwards?.(shop);
    return written;
  } finally {
    await shop.close();
  }
}

/** One account, with what may still happen to it. */
interface Buyer {
  readonly number: number;
  /** Of its own, so that it does not matter whose turn it is. */
  readonly random: () => number;
  accountId: bigint | null;
  readonly spends: bigint[];
  readonly holds: bigint[];
  payments: (Included | { readonly intentId: string; readonly charge: Stripe.Charge })[];
}

class Year {
  readonly #shop: CardShop;
  readonly #steps: IntakeSteps;
  readonly #options: BusyYearOptions;
  /** By slot and buyer. */
  readonly #slots = new Map<number, Map<Buyer, Action[]>>();
  readonly #counts: Record<string, number> = {};
  #commands = 0;

  constructor(shop: CardShop, options: BusyYearOptions) {
    this.#shop = shop;
    this.#steps = shop.steps;
    this.#options = options;
  }

  async live(): Promise<BusyYear> {
    const random = randomFrom(this.#options.seed);
    const buyers = Array.from({ length: this.#options.accounts }, (_, number) => this.#plan(number));
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const actions = this.#slots.get(slot);
      if (!actions) continue;
      this.#steps.now = BEGINS + BigInt(slot) * SLOT + BigInt(Math.floor(random() * Number(SLOT - MINUTE)));
      // One account's actions follow each other; different accounts act at once.
      await Promise.all(
        [...actions.values()].map(async own => {
          for (const action of own) await action();
        }),
      );
      await this.#steps.deliver();
    }
    const ends = BEGINS + 365n * DAY;
    this.#steps.now = ends;
    const accountIds = buyers.flatMap(({ accountId }) => accountId ?? []);
    await Promise.all(accountIds.map(id => this.#steps.context.poster.submit(id, { type: 'advance' })));
    return { begins: BEGINS, ends, accountIds, counts: this.#counts };
  }

  #plan(number: number): Buyer {
    const random = randomFrom(this.#options.seed + 7919 * (number + 1));
    const buyer: Buyer = { number, random, accountId: null, spends: [], holds: [], payments: [] };
    const first = below(buyer, SLOTS - 2);
    const byCard = below(buyer, 100) < this.#options.byCard;
    const pay = () => (byCard ? this.#payByCard(buyer) : this.#payInEth(buyer));
    this.#at(first, buyer, pay);
    let slot = first;
    for (let count = 2 + below(buyer, 4); count > 0; count -= 1) {
      slot += 1 + below(buyer, 12);
      this.#at(slot, buyer, () => this.#happen(buyer, pay));
    }
    return buyer;
  }

  #at(slot: number, buyer: Buyer, action: Action): void {
    if (slot >= SLOTS) return;
    const planned = this.#slots.get(slot) ?? new Map<Buyer, Action[]>();
    this.#slots.set(slot, planned);
    planned.set(buyer, [...(planned.get(buyer) ?? []), action]);
  }

  async #happen(buyer: Buyer, pay: Action): Promise<void> {
    const kind = pick(buyer, [
      ...['spend', 'spend', 'spend', 'hold', 'hold', 'capture', 'release', 'reverse', 'pay_again'],
      ...['take_back', 'take_back', 'adjust', 'nobody'],
    ] as const);
    switch (kind) {
      case 'spend':
        return await this.#spend(buyer, 'debit');
      case 'hold':
        return await this.#spend(buyer, 'hold');
      case 'capture':
      case 'release':
        return await this.#settle(buyer, kind);
      case 'reverse':
        return await this.#reverse(buyer);
      case 'pay_again':
        return await pay();
      case 'take_back':
        return await this.#takeBack(buyer);
      case 'adjust':
        return await this.#adjust(buyer);
      case 'nobody':
        await this.#steps.record(this.#steps.transfer(null, { amountWei: dollars(buyer) * DOLLAR_WEI + 7n }));
        return this.#count('suspense');
    }
  }

  async #payInEth(buyer: Buyer): Promise<void> {
    const usd = dollars(buyer);
    const order = await this.#steps.order(usd, ANSWER, buyer.accountId ?? undefined);
    buyer.accountId = order.accountId;
    const amountWei = usd * DOLLAR_WEI + BigInt(pick(buyer, [0, 0, 1, -1])) * (DOLLAR_WEI / 3n);
    const transfer = this.#steps.transfer(order.reference, { amountWei });
    buyer.payments.push(await this.#steps.pay(transfer, ANSWER + BigInt(below(buyer, 1_000_000))));
    this.#count('eth');
  }

  async #payByCard(buyer: Buyer): Promise<void> {
    const { order, intentId, charge } = await this.#shop.paid(dollars(buyer) * 100n);
    await this.#shop.apply(intentId);
    // Each order by card is an account of its own here.
    buyer.accountId ??= order.account_id;
    buyer.payments.push({ intentId, charge });
    this.#count('card');
  }

  async #takeBack(buyer: Buyer): Promise<void> {
    const payment = buyer.payments.pop();
    if (!payment) return;
    if ('intentId' in payment) return await this.#takeBackCard(buyer, payment);
    await this.#steps.vanish(payment);
    await this.#steps.deliver();
    this.#count('reorg');
    // Another fork may have it too, with another value.
    if (below(buyer, 2) === 0) return;
    const transfer = this.#steps.transfer(null, {
      transactionHash: payment.transactionHash as `0x${string}`,
      amountWei: payment.amountWei + BigInt(pick(buyer, [0, 1_000_000])) * 1_000_000_000n,
      input: payment.input as `0x${string}`,
      inputLength: payment.input === null ? 0 : (payment.input.length - 2) / 2,
    });
    buyer.payments.push(await this.#steps.pay(transfer));
    this.#count('included_again');
  }

  async #takeBackCard(
    buyer: Buyer,
    { intentId, charge }: { intentId: string; charge: Stripe.Charge },
  ): Promise<void> {
    const { bank } = this.#shop.simulator;
    const cents = Math.max(1, Math.floor((charge.amount * (1 + below(buyer, 10))) / 10));
    if (below(buyer, 2) === 0) {
      bank.refund(charge, cents);
      this.#count('refund');
    } else {
      const dispute = bank.openDispute(charge, cents);
      await this.#shop.apply(intentId);
      this.#count('dispute');
      if (below(buyer, 3) > 0) bank.closeDispute(dispute, pick(buyer, ['won', 'lost']));
    }
    await this.#shop.apply(intentId);
  }

  async #spend(buyer: Buyer, type: 'debit' | 'hold'): Promise<void> {
    const amountMicrocredits = await this.#partOfAvailable(buyer);
    if (amountMicrocredits === 0n) return;
    const payload = `${type} ${amountMicrocredits}`;
    const shared = { identity: this.#identity(payload), amountMicrocredits, details: null };
    const outcome = await this.#submit(
      buyer,
      type === 'debit'
        ? { type, ...shared }
        : {
            type,
            ...shared,
            life: BigInt(1 + below(buyer, 24)) * HOUR,
            limits: { ofAccount: 100, ofService: 100 },
          },
    );
    if (outcome?.status !== 'accepted') return;
    (type === 'debit' ? buyer.spends : buyer.holds).push(outcome.entry.seq);
    this.#count(type);
  }

  async #settle(buyer: Buyer, type: 'capture' | 'release'): Promise<void> {
    await this.#spend(buyer, 'hold');
    const holdId = buyer.holds.pop();
    if (holdId === undefined) return;
    const identity = this.#identity(`${type} ${holdId}`);
    const outcome = await this.#submit(
      buyer,
      type === 'capture'
        ? { type, identity, holdId, amountMicrocredits: 1_000_001n, details: null }
        : { type, identity, holdId, details: null },
    );
    if (outcome?.status !== 'accepted') return;
    if (type === 'capture') buyer.spends.push(outcome.entry.seq);
    this.#count(type);
  }

  async #reverse(buyer: Buyer): Promise<void> {
    await this.#spend(buyer, 'debit');
    const spendId = buyer.spends.at(-1);
    if (spendId === undefined) return;
    const identity = this.#identity(`reverse ${spendId}`);
    const amountMicrocredits = pick(buyer, [null, 500_000n]);
    const outcome = await this.#submit(buyer, {
      type: 'reversal',
      identity,
      spendId,
      amountMicrocredits,
      details: null,
    });
    if (outcome?.status === 'accepted') this.#count('reversal');
  }

  async #adjust(buyer: Buyer): Promise<void> {
    const asked = {
      amountMicrocredits: BigInt(pick(buyer, [5_000, -50])) * 1_000_000n,
      policy: pick(buyer, ['refill', 'none', 'installments'] as const),
      details: JSON.stringify({ operator: 'anna', reason: 'goodwill' }),
    };
    const identity = commandIdentity({
      serviceId: 0,
      keyNumber: null,
      idempotencyKey: `adjustment:${this.#nextCommand()}`,
      payload: adjustmentPayload(asked),
    });
    const outcome = await this.#submit(buyer, { type: 'adjustment', identity, ...asked });
    if (outcome?.status === 'accepted') this.#count('adjustment');
  }

  async #submit(buyer: Buyer, command: Request): Promise<Outcome | null> {
    return buyer.accountId === null
      ? null
      : await this.#steps.context.poster.submit(buyer.accountId, command);
  }

  async #partOfAvailable(buyer: Buyer): Promise<bigint> {
    const { accountId } = buyer;
    if (accountId === null) return 0n;
    const { availableMicrocredits } = await readCredits(this.#steps.doors, accountId, this.#steps.now);
    return (availableMicrocredits * BigInt(1 + below(buyer, 9))) / 10n;
  }

  #identity(payload: string) {
    return commandIdentity({
      serviceId: 1,
      keyNumber: 1,
      idempotencyKey: String(this.#nextCommand()),
      payload,
    });
  }

  #nextCommand(): number {
    this.#commands += 1;
    return this.#commands;
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }
}

function dollars(buyer: Buyer): bigint {
  return BigInt(1 + below(buyer, 50));
}

function below({ random }: Buyer, limit: number): number {
  return Math.floor(random() * limit);
}

function pick<Value>(buyer: Buyer, values: readonly Value[]): Value {
  return values[below(buyer, values.length)] as Value;
}
