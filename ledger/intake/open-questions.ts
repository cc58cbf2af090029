import type { Instant } from '../core/instant.ts';
import { SECOND } from '../core/instant.ts';

/** A question is asked again after this, then after twice that, and so on up to the most. */
const PATIENCE_FIRST = SECOND;
const PATIENCE_MOST = 30n * SECOND;
/** What is due again sooner than this is worth a look of its own. */
const SOON = 5n * SECOND;

interface OpenQuestion {
  answer: unknown;
  patience: Instant;
  askAgainAt: Instant;
}

/**
 * Questions to the chain that had no final answer yet. They are asked again, ever less often, so that one payment that
 * stays in doubt for days does not cost a request a second.
 */
export class OpenQuestions {
  readonly #open = new Map<string, OpenQuestion>();
  readonly #touched = new Set<string>();

  /** The answer of `ask`, or the one it had the last time while it is too early to ask again. */
  async ask<Answer>(
    key: string,
    now: Instant,
    ask: () => Promise<Answer>,
    isFinal: (answer: Answer) => boolean,
  ): Promise<Answer> {
    this.#touched.add(key);
    const open = this.#open.get(key);
    if (open && now < open.askAgainAt) return open.answer as Answer;
    const answer = await ask();
    if (isFinal(answer)) {
      this.#open.delete(key);
    } else {
      const doubled = open ? 2n * open.patience : PATIENCE_FIRST;
      const patience = doubled < PATIENCE_MOST ? doubled : PATIENCE_MOST;
      this.#open.set(key, { answer, patience, askAgainAt: now + patience });
    }
    return answer;
  }

  /** Forgets what nobody has asked since the last call. Returns whether something is due again soon. */
  closeRound(now: Instant): boolean {
    for (const key of this.#open.keys()) if (!this.#touched.has(key)) this.#open.delete(key);
    this.#touched.clear();
    return [...this.#open.values()].some(({ askAgainAt }) => askAgainAt < now + SOON);
  }
}
