/** Random commands for a few accounts, each about what was accepted of those before: money comes, is spent, goes back. */
import type { Answer, LoadCommand } from './load-command.ts';
import { randomFrom } from './random-from.ts';

export interface RandomLoadOptions {
  readonly seed: number;
  /** What its idempotency keys begin with: unlike those of any other load on these accounts. */
  readonly name: string;
  readonly accounts: readonly number[];
}

/** How often each is asked for, of a hundred. */
const SHARES = {
  purchase: 7,
  debit: 40,
  hold: 16,
  capture: 10,
  release: 4,
  reversal: 13,
  clawback: 4,
  adjustment: 6,
} as const;

/** A hundredth of a dollar to a dollar. */
const PAID_MICROUSD_MIN = 10_000;
const PAID_MICROUSD_MAX = 1_000_000;
const SPENT_MICROCREDITS_MAX = 400_000_000;

/** What later commands can be about, of one account. */
interface Known {
  readonly payments: LoadCommand[];
  readonly holds: LoadCommand[];
  readonly spends: LoadCommand[];
}

export class RandomLoad {
  readonly #options: RandomLoadOptions;
  readonly #random: () => number;
  readonly #known = new Map<number, Known>();
  #asked = 0;

  constructor(options: RandomLoadOptions) {
    this.#options = options;
    this.#random = randomFrom(options.seed);
  }

  next(): LoadCommand {
    this.#asked += 1;
    const key = `${this.#options.name}-${this.#asked}`;
    const account = this.#pick(this.#options.accounts) ?? 1;
    const known = this.#of(account);
    const type = known.payments.length === 0 ? 'purchase' : this.#type();
    switch (type) {
      case 'purchase': {
        const amount = this.#between(PAID_MICROUSD_MIN, PAID_MICROUSD_MAX);
        return { key, account, type, amount, about: 0 };
      }
      case 'debit':
      case 'hold':
        return { key, account, type, amount: this.#between(1, SPENT_MICROCREDITS_MAX), about: 0 };
      case 'adjustment': {
        const sign = this.#random() < 0.5 ? -1 : 1;
        return { key, account, type, amount: sign * this.#between(1, SPENT_MICROCREDITS_MAX), about: 0 };
      }
      case 'capture':
      case 'release':
        return this.#about({ key, account, type }, known.holds);
      case 'reversal':
        return this.#about({ key, account, type }, known.spends);
      case 'clawback':
        return this.#about({ key, account, type }, known.payments);
    }
  }

  /** Takes in what became of a command. */
  learn(command: LoadCommand, answer: Answer): void {
    if (answer.status !== 'accepted') return;
    const known = this.#of(command.account);
    const numbered = { ...command, about: answer.seq };
    if (command.type === 'purchase') known.payments.push(numbered);
    if (command.type === 'hold') known.holds.push(numbered);
    if (command.type === 'debit' || command.type === 'capture') known.spends.push(numbered);
  }

  /** A part or the whole of one of the last few; the same one may be asked for again, and then be refused. */
  #about(
    command: Pick<LoadCommand, 'key' | 'account' | 'type'>,
    candidates: readonly LoadCommand[],
  ): LoadCommand {
    const candidate = this.#pick(candidates.slice(-8));
    if (!candidate) return { ...command, type: 'debit', amount: 1, about: 0 };
    const { amount, about } = candidate;
    if (this.#random() < 0.5) return { ...command, amount, about };
    return { ...command, amount: this.#between(1, amount), about };
  }

  #type(): LoadCommand['type'] {
    let left = this.#random() * 100;
    for (const [type, share] of Object.entries(SHARES)) {
      left -= share;
      if (left < 0) return type as LoadCommand['type'];
    }
    return 'debit';
  }

  #of(account: number): Known {
    const known = this.#known.get(account) ?? { payments: [], holds: [], spends: [] };
    this.#known.set(account, known);
    return known;
  }

  #pick<Value>(values: readonly Value[]): Value | undefined {
    return values[Math.floor(this.#random() * values.length)];
  }

  #between(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }
}
