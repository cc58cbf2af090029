/**
 * Amounts that tell whose a payment is, for senders that cannot put data into it. An exchange sends $10 of ETH as an
 * amount with 8 decimals; the last of them are chosen so that nobody else was asked for the same amount:
 *
 *   quoted     0.003333333333333334 ETH
 *   candidates 0.00333334, 0.00333335 … 0.00335833 ETH, of which one that is free is asked for
 *
 * Nothing is lost to the buyer: what is added is credited like the rest.
 */
import { lesserOf, weiOfMicrousd } from './amount.ts';
import { DAY, type Instant } from './instant.ts';

/** A unit of the 8th decimal of ETH, the last one that exchanges and wallets are sure to take. */
export const UNIQUE_STEP_WEI = 10n ** 10n;

/** For how long after its order's deadline an amount is nobody else's. */
const RESERVED_FOR = 30n * DAY;

/** What is added to a quoted amount at the most: 5 cents, but no more than 1 % … */
const ADDED_MICROUSD_MAX = 50_000n;
const ADDED_PERCENT_MAX = 1n;
/** … where that leaves enough to choose from, and not so much that choosing takes long. */
const STEPS_MIN = 100n;
const STEPS_MAX = 5_000n;

/** Through when the amount of an order with this deadline is nobody else's. */
export function amountReservedUntil(deadline: Instant): Instant {
  return deadline + RESERVED_FOR;
}

/**
 * The amounts of which one may be asked for instead of `quotedWei` (more than 0), in ascending order: none is less, all
 * are of whole units of the 8th decimal. Those with 6 decimals are left out: people who type an amount choose them.
 */
export function uniqueAmountCandidates(quotedWei: bigint, answer: bigint): bigint[] {
  const first = ((quotedWei + UNIQUE_STEP_WEI - 1n) / UNIQUE_STEP_WEI) * UNIQUE_STEP_WEI;
  const added = lesserOf(weiOfMicrousd(ADDED_MICROUSD_MAX, answer), (quotedWei * ADDED_PERCENT_MAX) / 100n);
  const steps = within(added / UNIQUE_STEP_WEI, STEPS_MIN, STEPS_MAX);
  const candidates: bigint[] = [];
  for (let wei = first; wei <= quotedWei + steps * UNIQUE_STEP_WEI; wei += UNIQUE_STEP_WEI)
    if (wei % (100n * UNIQUE_STEP_WEI) !== 0n) candidates.push(wei);
  return candidates;
}

function within(value: bigint, least: bigint, most: bigint): bigint {
  if (value < least) return least;
  return lesserOf(value, most);
}
