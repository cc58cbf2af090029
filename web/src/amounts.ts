/** Credits as the API tells them: decimal strings with at most six decimals. Nothing here is a float. */

/** For people: "12,345.5". */
export function shownAmount(amount: string): string {
  const [whole = '0', fraction] = amount.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** In millionths of a credit. */
export function microcreditsOf(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole + fraction.padEnd(6, '0'));
}

/** How long the bar of `amount` is beside that of `most`, from 0 to `lengthMax`: for drawing only. */
export function barLength(amount: string, most: bigint, lengthMax: number): number {
  if (most === 0n) return 0;
  return Number((microcreditsOf(amount) * BigInt(lengthMax) * 100n) / most) / 100;
}

/** An integer with so many decimals as the shortest decimal string: 1500000n with 6 is "1.5". */
export function decimalText(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return `${digits.slice(0, -decimals)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Wei as ETH. */
export function ethText(wei: string | bigint): string {
  return decimalText(BigInt(wei), 18);
}

const CREDITS_PER_USD = 10_000n;

/** What so many dollars buy. */
export function creditsOfUsd(usd: string): string {
  return decimalText(microcreditsOf(usd) * CREDITS_PER_USD, 6);
}

const PRICE_DECIMALS = 8;

/** What so many dollars are in ETH at a price in dollars, rounded up at the eighth decimal: to show, not to pay. */
export function ethOfUsd(usd: string, ethUsd: string): string {
  const [whole = '0', fraction = ''] = ethUsd.split('.');
  const price = BigInt(whole + fraction.padEnd(PRICE_DECIMALS, '0'));
  if (price === 0n) return '0';
  // Both have so many decimals more than they say: the dollars six, the price and what comes out eight.
  const amount = microcreditsOf(usd) * 10n ** 10n;
  return decimalText((amount + price - 1n) / price, PRICE_DECIMALS);
}

const SMALLEST_UNITS: Readonly<Record<string, { readonly decimals: number; readonly name: string }>> = {
  wei: { decimals: 18, name: 'ETH' },
  microusd: { decimals: 6, name: 'USD' },
  microcredits: { decimals: 6, name: 'credits' },
};

/** A figure that is told in a smallest unit, for people: of 1500000 "microusd" that is "1.5 USD". Others as they are. */
export function shownFigure(value: string, unit: string): string {
  const known = SMALLEST_UNITS[unit];
  if (known === undefined || !/^-?\d+$/.test(value)) return value;
  const sign = value.startsWith('-') ? '-' : '';
  const amount = decimalText(BigInt(value.replace('-', '')), known.decimals);
  return `${sign}${shownAmount(amount)} ${known.name}`;
}
