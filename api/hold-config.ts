/** What services may hold, by the environment. */
import { DEFAULT_HOLD_LIMITS, HOLD_LIFE_MAX, type HoldLimits } from '../ledger/index.ts';
import { readInteger } from './read-integer.ts';

/** Whenever a book is posted to, all of its open holds are loaded. */
const HOLDS_MAX = 10_000;
const MICROSECONDS = 1_000_000n;

export function readHoldConfig(get: (name: string) => string | undefined, problems: string[]): HoldLimits {
  const read = (name: string, preset: number, max: number) =>
    readInteger(name, get(name), preset, { min: 1, max }, problems);
  const { ofAccount, ofService, life } = DEFAULT_HOLD_LIMITS;
  const secondsMax = Number(HOLD_LIFE_MAX / MICROSECONDS);
  return {
    ofAccount: read('HOLDS_PER_ACCOUNT_MAX', ofAccount, HOLDS_MAX),
    ofService: read('HOLDS_PER_SERVICE_MAX', ofService, HOLDS_MAX),
    life: BigInt(read('HOLD_SECONDS_MAX', Number(life / MICROSECONDS), secondsMax)) * MICROSECONDS,
  };
}
