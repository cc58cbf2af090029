/**
 * Keeps Anvil 1.7 from tracing while it mines. A trace of a mined block holds the lock of its blocks and asks for it once
 * more: when a miner comes to wait in between, both wait for ever, and every later request with them. It takes
 * many traces and many blocks at once, as here; an ordinary load never met it.
 */
export class AnvilTurns {
  readonly #traces = new Set<Promise<unknown>>();
  #mining: Promise<void> | null = null;

  /** Traces, when nothing is mined; any number at once. */
  async trace<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#mining !== null) await this.#mining;
    const trace = work();
    this.#traces.add(trace);
    try {
      return await trace;
    } finally {
      this.#traces.delete(trace);
    }
  }

  /** Mines, when nothing is traced and nothing else is mined. */
  async mine<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#mining !== null) await this.#mining;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#mining = promise;
    try {
      await Promise.allSettled(this.#traces);
      return await work();
    } finally {
      this.#mining = null;
      resolve();
    }
  }
}
