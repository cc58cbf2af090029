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
