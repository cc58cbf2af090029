/** Strangers have the RPC asked, which is paid by the request and needed for the payments themselves: so many look-ups, no more. */
import { OverloadedError } from '../posting/lane.ts';

const AT_ONCE_MAX = 4;
/** A burst is let in, a stream of them is not. */
const WINDOW_MS = 10_000;
const IN_WINDOW_MAX = 60;

export class LookUpLimit {
  readonly #nowMs: () => number;
  #underWay = 0;
  #windowEndsAtMs = 0;
  #begunInWindow = 0;

  /** @param nowMs A clock that only goes forward. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Does `lookUp`, which asks the RPC. Throws OverloadedError while there are too many. */
  async admit<Found>(lookUp: () => Promise<Found>): Promise<Found> {
    const nowMs = this.#nowMs();
    if (nowMs >= this.#windowEndsAtMs) {
      this.#windowEndsAtMs = nowMs + WINDOW_MS;
      this.#begunInWindow = 0;
    }
    if (this.#underWay >= AT_ONCE_MAX || this.#begunInWindow >= IN_WINDOW_MAX) throw new OverloadedError();
    this.#underWay += 1;
    this.#begunInWindow += 1;
    try {
      return await lookUp();
    } finally {
      this.#underWay -= 1;
    }
  }
}
