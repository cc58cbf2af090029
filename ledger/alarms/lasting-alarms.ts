/** Alarms about what mostly passes by itself: they are raised only when it has lasted, and cleared when it is over. */
import { type Instant, SECOND } from '../core/instant.ts';
import {
  type Alarm,
  type AlarmContext,
  type AlarmKind,
  clearAlarm,
  raiseAlarm,
  readAlarms,
} from './alarm.ts';

/** Shorter than this, and seen less often, it is an ordinary day of an RPC. */
const LASTING = 60n * SECOND;
const SIGHTINGS_MIN = 3;

interface Sighting {
  readonly since: Instant;
  count: number;
}

export class LastingAlarms {
  readonly #context: AlarmContext;
  readonly #sightings = new Map<string, Sighting>();
  /** What stands in the database, also from before this process: with its message. */
  #raised: Map<string, Alarm> | null = null;

  constructor(context: AlarmContext) {
    this.#context = context;
  }

  /**
   * Tells all that is the case now of `kinds`, at `now`. What has been the case at each report for a minute, and at
   * least three times, is raised with its newest message; what is not the case any more is cleared.
   */
  async report(kinds: readonly AlarmKind[], found: readonly Alarm[], now: Instant): Promise<void> {
    this.#raised ??= new Map((await readAlarms(this.#context.db)).map(alarm => [keyOf(alarm), alarm]));
    const standing = new Set(found.map(keyOf));
    for (const alarm of found) await this.#note(alarm, now, this.#raised);
    for (const key of this.#sightings.keys())
      if (kinds.some(kind => key.startsWith(`${kind} `)) && !standing.has(key)) this.#sightings.delete(key);
    for (const [key, alarm] of this.#raised) {
      if (!kinds.includes(alarm.kind) || standing.has(key)) continue;
      await clearAlarm(this.#context, alarm.kind, alarm.subject);
      this.#raised.delete(key);
    }
  }

  async #note(alarm: Alarm, now: Instant, raised: Map<string, Alarm>): Promise<void> {
    const key = keyOf(alarm);
    const sighting = this.#sightings.get(key) ?? { since: now, count: 0 };
    sighting.count += 1;
    this.#sightings.set(key, sighting);
    const lasts = now - sighting.since >= LASTING && sighting.count >= SIGHTINGS_MIN;
    if (!lasts || raised.get(key)?.message === alarm.message) return;
    await raiseAlarm(this.#context, alarm);
    raised.set(key, alarm);
  }
}

function keyOf({ kind, subject }: Alarm): string {
  return `${kind} ${subject}`;
}
