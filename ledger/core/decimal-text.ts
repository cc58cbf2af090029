/** Decimals of the smallest units: microcredits, micro-dollars, wei. */
const DECIMALS: Readonly<Record<string, number>> = { CREDIT: 6, USD: 6, ETH: 18 };

/** The assets of the chart, which are the commodities of a journal. */
export const COMMODITIES = Object.keys(DECIMALS);

/** How many decimals the smallest unit of `asset` stands at. Throws for an asset that the chart does not have. */
export function decimalsOf(asset: string): number {
  const decimals = DECIMALS[asset];
  if (decimals === undefined) throw new Error(`there is no asset ${asset}`);
  return decimals;
}

/** `amount` in the smallest unit of `asset` as an exact decimal with all its places: -1500000 of USD is "-1.500000". */
export function decimalText(amount: bigint, asset: string): string {
  const decimals = decimalsOf(asset);
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
