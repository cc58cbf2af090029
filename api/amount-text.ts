/** Amounts as people and JSON write them: decimal strings. Inside they are integers of the smallest unit. */
import { Decimal } from 'decimal.js';
import { formatUnits } from 'viem';

/** Wide enough for all that the patterns below let in, and never in exponents. */
const Exact = Decimal.clone({ precision: 100, toExpNeg: -100, toExpPos: 100 });

/** Plain digits, optionally a point and up to 6 more: no sign, no exponent, no blanks. */
export const DECIMAL_6 = /^(?:0|[1-9]\d{0,17})(?:\.\d{1,6})?$/;

/** The same with up to 8 decimals: a price as Chainlink's dollar feeds have it. */
export const DECIMAL_8 = /^(?:0|[1-9]\d{0,11})(?:\.\d{1,8})?$/;

/** `text`, which matches DECIMAL_8, as the feed's answer. */
export function answerOf(text: string): bigint {
  return BigInt(new Exact(text).mul(100_000_000).toFixed(0));
}

/** `text`, which matches DECIMAL_6, in millionths: dollars to micro-dollars, credits to microcredits. */
export function millionthsOf(text: string): bigint {
  return BigInt(new Exact(text).mul(1_000_000).toFixed(0));
}

/** An integer with `decimals` decimals as the shortest decimal string: 1500000 with 6 is "1.5". */
export function decimalText(amount: bigint, decimals: number): string {
  return formatUnits(amount, decimals);
}

/** Microcredits as credits. */
export function creditsText(amountMicrocredits: bigint): string {
  return decimalText(amountMicrocredits, 6);
}

/** Micro-dollars as dollars. */
export function usdText(amountMicrousd: bigint): string {
  return decimalText(amountMicrousd, 6);
}
