/**
 * Finding a feed's rounds by time, from the state of one recent block, so that no archive node is needed.
 *
 * Chainlink's proxy stays, its aggregators change: each is a phase, with rounds of its own. When the proxy went from
 * one to the next is nowhere in its state, and their rounds overlap in time: a new aggregator is tried out before the
 * proxy points to it, an old one may go on after. So a time has a round in each phase, and `roundsInForce` gives them
 * from the newest phase down: that is what the proxy said ever since it pointed there, and what nobody looks after any
 * more counts last. A round that is found in a phase is found again whatever phases come later, by looking no higher
 * than the phase in its id.
 *
 * What it costs, in calls to the RPC, of which none is made twice by one object: 1 for a time at or after the newest
 * round, which is nearly every payment; otherwise 2 for each doubling of how many rounds it is back (20 for a thousand),
 * and for each older phase 2, and the same again. At most 8 phases are looked at. A missing round costs 1 more.
 */
import type { FeedRound } from '../core/price.ts';
import {
  type FeedReader,
  PHASE_SHIFT,
  readCurrentPhase,
  readLastRound,
  readLatestRound,
  readRound,
} from './read-round.ts';

/** A feed changes its aggregator every few years. */
const PHASES_MAX = 8n;
/** So many rounds that are missing in a row are stepped over; what is behind more of them may stay unseen. */
const MISSING_MAX = 16n;
/** So many rounds are gone through one by one for one that is wanted. */
const STEPS_MAX = 64n;

/** From when a round counts: prices from when they were updated, the sequencer's status from when it started, as its
 * feed refreshes `updatedAt` in place. */
export type CountsFrom = 'updatedAt' | 'startedAt';

/** The rounds of a feed as of one block. Times are in seconds. Everything throws when the RPC does not answer. */
export class FeedHistory {
  readonly #reader: FeedReader;
  readonly #countsFrom: CountsFrom;
  readonly #rounds = new Map<bigint, Promise<FeedRound | null>>();
  readonly #lastRounds = new Map<bigint, Promise<FeedRound | null>>();
  #currentPhase: Promise<bigint> | undefined;

  constructor(reader: FeedReader & { readonly blockNumber: bigint }, countsFrom: CountsFrom) {
    this.#reader = reader;
    this.#countsFrom = countsFrom;
  }

  /** The last round at or before `time` of each phase that has one, from the newest phase down. */
  async *roundsInForce(time: bigint): AsyncGenerator<FeedRound> {
    for await (const phase of this.#phases()) {
      const round = await this.#inForce(phase, time);
      if (round) yield round;
    }
  }

  /** The first of `roundsInForce`, or null when the feed begins later. */
  async roundInForce(time: bigint): Promise<FeedRound | null> {
    for await (const round of this.roundsInForce(time)) return round;
    return null;
  }

  /** The first round at or after `time` that is wanted, in any phase, or null when there is none yet. */
  async firstFrom(time: bigint, isWanted = (_round: FeedRound) => true): Promise<FeedRound | null> {
    let first: FeedRound | null = null;
    for await (const phase of this.#phases()) {
      const round = await this.#firstFrom(phase, time, isWanted);
      if (round && (first === null || this.#timeOf(round) < this.#timeOf(first))) first = round;
    }
    return first;
  }

  async *#phases(): AsyncGenerator<bigint> {
    this.#currentPhase ??= this.#findCurrentPhase();
    const current = await this.#currentPhase;
    for (let phase = current; phase > 0n && phase > current - PHASES_MAX; phase -= 1n) yield phase;
  }

  async #findCurrentPhase(): Promise<bigint> {
    const latest = await readLatestRound(this.#reader);
    const phase = latest ? latest.roundId >> PHASE_SHIFT : await readCurrentPhase(this.#reader);
    this.#lastRounds.set(phase, Promise.resolve(latest));
    return phase;
  }

  async #inForce(phase: bigint, time: bigint): Promise<FeedRound | null> {
    const last = await this.#lastRound(phase);
    if (!last || this.#timeOf(last) <= time) return last;
    // Rounds of a phase are in order of time. Go back in steps that double, to one in force …
    let tooLate = numberOf(last);
    let inForce: FeedRound | null = null;
    for (let step = 1n; inForce === null; step *= 2n) {
      if (tooLate <= 1n) return null;
      const number = tooLate > step ? tooLate - step : 1n;
      const round = await this.#atOrBefore(phase, number, 0n);
      if (round && this.#timeOf(round) <= time) inForce = round;
      else tooLate = round ? numberOf(round) : number;
    }
    // … then halve what is between it and the first that is too late.
    let low = numberOf(inForce);
    while (tooLate - low > 1n) {
      const middle = (low + tooLate) / 2n;
      const round = await this.#atOrBefore(phase, middle, low);
      if (round && this.#timeOf(round) > time) tooLate = numberOf(round);
      else {
        inForce = round ?? inForce;
        low = middle;
      }
    }
    return inForce;
  }

  async #firstFrom(
    phase: bigint,
    time: bigint,
    isWanted: (round: FeedRound) => boolean,
  ): Promise<FeedRound | null> {
    const last = await this.#lastRound(phase);
    if (!last || this.#timeOf(last) < time) return null;
    const before = await this.#inForce(phase, time - 1n);
    const first = before ? numberOf(before) + 1n : 1n;
    for (let number = first; number <= numberOf(last) && number < first + STEPS_MAX; number += 1n) {
      const round = await this.#round(phase, number);
      if (round && isWanted(round)) return round;
    }
    return null;
  }

  /** The round `number` or, where that is missing, the nearest one before it that comes after `floor`. */
  async #atOrBefore(phase: bigint, number: bigint, floor: bigint): Promise<FeedRound | null> {
    for (let back = 0n; back <= MISSING_MAX && number - back > floor; back += 1n) {
      const round = await this.#round(phase, number - back);
      if (round) return round;
    }
    return null;
  }

  #lastRound(phase: bigint): Promise<FeedRound | null> {
    return remember(this.#lastRounds, phase, () => readLastRound(this.#reader, phase));
  }

  #round(phase: bigint, number: bigint): Promise<FeedRound | null> {
    const roundId = (phase << PHASE_SHIFT) | number;
    return remember(this.#rounds, roundId, () => readRound(this.#reader, roundId));
  }

  #timeOf(round: FeedRound): bigint {
    return round[this.#countsFrom];
  }
}

/** The number of a round within its phase, from 1. */
function numberOf({ roundId }: FeedRound): bigint {
  return roundId & ((1n << PHASE_SHIFT) - 1n);
}

function remember<Value>(
  known: Map<bigint, Promise<Value>>,
  key: bigint,
  read: () => Promise<Value>,
): Promise<Value> {
  const value = known.get(key) ?? read();
  known.set(key, value);
  return value;
}
