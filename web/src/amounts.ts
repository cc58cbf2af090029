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
  const digits = value.replace('-', '').padStart(known.decimals + 1, '0');
  const whole = digits.slice(0, -known.decimals);
  const fraction = digits.slice(-known.decimals).replace(/0+$/, '');
  return `${sign}${shownAmount(fraction === '' ? whole : `${whole}.${fraction}`)} ${known.name}`;
}
