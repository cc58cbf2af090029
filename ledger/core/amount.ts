/**
 * Exact money. Integers only, the unit last in every name:
 * wei (1e-18 ETH), microusd (1e-6 USD), microcredits (1e-6 credit).
 */

/** $1 buys 10,000 credits, so one micro-dollar buys 10,000 microcredits and both tie exactly. */
export const MICROCREDITS_PER_MICROUSD = 10_000n;
export const MICROUSD_PER_USD = 1_000_000n;
export const MICROUSD_PER_CENT = 10_000n;
export const MICROCREDITS_PER_CREDIT = 1_000_000n;

/** wei × answer has 18 + 8 decimals (Chainlink USD feeds have 8); micro-dollars have 6. */
const WEI_ANSWER_PER_MICROUSD = 10n ** 20n;

/** What `amountMicrousd` (≥ 0) buys at the fixed rate. */
export function microcreditsOf(amountMicrousd: bigint): bigint {
  return amountMicrousd * MICROCREDITS_PER_MICROUSD;
}

/** The least micro-dollars that buy `amountMicrocredits` (≥ 0) at the fixed rate. */
export function microusdFor(amountMicrocredits: bigint): bigint {
  return ceilingOf(amountMicrocredits, MICROCREDITS_PER_MICROUSD);
}

/** The value of `weiTimesAnswer` (wei × a Chainlink answer with 8 decimals), rounded down to the micro-dollar. */
export function microusdOfWeiTimesAnswer(weiTimesAnswer: bigint): bigint {
  return weiTimesAnswer / WEI_ANSWER_PER_MICROUSD;
}

/**
 * The value of `amountWei` (≥ 0) at `answer` (> 0, 8 decimals): floor(wei × answer × 10^6 / 10^26).
 * What is below a micro-dollar stays with the operator, in the ETH trading account.
 */
export function microusdOfWei(amountWei: bigint, answer: bigint): bigint {
  return microusdOfWeiTimesAnswer(amountWei * answer);
}

/** The least wei worth `amountMicrousd` (≥ 0) at `answer` (> 0): microusdOfWei gives back the very same amount. */
export function weiOfMicrousd(amountMicrousd: bigint, answer: bigint): bigint {
  return ceilingOf(amountMicrousd * WEI_ANSWER_PER_MICROUSD, answer);
}

/** `numerator` (≥ 0) divided by `denominator` (> 0), rounded up. */
export function ceilingOf(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

export function lesserOf(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
