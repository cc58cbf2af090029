/** Amounts are decimal strings of credits, as in the API. Inside they are whole millionths: no float touches them. */

const DECIMAL_6 = /^(?:0|[1-9]\d{0,17})(?:\.\d{1,6})?$/;

/** "12.5" as 12_500_000n. Throws RangeError for what the API would not take either. */
export function microcreditsOf(amount: string): bigint {
  if (!DECIMAL_6.test(amount))
    throw new RangeError(
      `"${amount}" is not an amount: write credits in plain digits with at most 6 decimals, such as "12.5".`,
    );
  const [whole = '0', decimals = ''] = amount.split('.');
  return BigInt(whole) * 1_000_000n + BigInt(decimals.padEnd(6, '0'));
}

/** 12_500_000n as "12.5". */
export function amountText(microcredits: bigint): string {
  const whole = microcredits / 1_000_000n;
  const decimals = String(microcredits % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return decimals === '' ? String(whole) : `${whole}.${decimals}`;
}
