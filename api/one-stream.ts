import { once } from 'node:events';
import type { Response } from 'express';
import { Problem } from './problem.ts';

/** A long answer that is sent as it is made, never the whole in memory. One at a time: each holds a connection to the database. */
export class OneStream {
  readonly #waitMsMax: number;
  #isBusy = false;

  /** @param waitMsMax A reader who takes nothing for so long is cut off, so that the next has a turn. */
  constructor(waitMsMax = 60_000) {
    this.#waitMsMax = waitMsMax;
  }

  /**
   * Sends what `work` writes, each piece when the reader has taken those before. Before the first piece an error is
   * answered as any other; behind it the connection is cut, so that the reader notices (errors.ts).
   */
  async stream(
    response: Response,
    mediaType: string,
    work: (write: (text: string) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    if (this.#isBusy)
      throw new Problem('overloaded', 'Another export is on its way: ask again when it has ended.');
    this.#isBusy = true;
    const left = new AbortController();
    response.once('close', () => left.abort());
    try {
      await work(async text => {
        if (!response.headersSent) response.writeHead(200, { 'Content-Type': `${mediaType}; charset=utf-8` });
        if (left.signal.aborted) throw new Error('its reader has gone');
        if (!response.write(text)) await this.#drained(response, left.signal);
      });
      response.end();
    } catch (error) {
      // Whoever has gone is told nothing more.
      if (!left.signal.aborted) throw error;
    } finally {
      this.#isBusy = false;
    }
  }

  async #drained(response: Response, left: AbortSignal): Promise<void> {
    const cut = setTimeout(() => response.destroy(), this.#waitMsMax);
    try {
      await once(response, 'drain', { signal: left });
    } finally {
      clearTimeout(cut);
    }
  }
}
