import { amountText, microcreditsOf } from './amount.ts';

/** More was used than is held: stop the work and return, and what was used before is captured. */
export class HoldExceededError extends Error {
  override readonly name = 'HoldExceededError';
}

/** Credits reserved while work is done, and how much of them it has used. */
export class HeldCredits {
  readonly id: string;
  /** In credits. */
  readonly amount: string;
  #usedMicrocredits = 0n;

  constructor(id: string, amount: string) {
    this.id = id;
    this.amount = amount;
  }

  /** In credits: what is captured at the end. */
  get used(): string {
    return amountText(this.#usedMicrocredits);
  }

  /**
   * Notes that so many credits more were used; nothing is sent. Throws HoldExceededError, and notes nothing, where that
   * is more than is held; RangeError for what is no amount.
   */
  use(amount: string): void {
    const used = this.#usedMicrocredits + microcreditsOf(amount);
    if (used > microcreditsOf(this.amount))
      throw new HoldExceededError(`${amountText(used)} credits would be used, and ${this.amount} are held.`);
    this.#usedMicrocredits = used;
  }
}
