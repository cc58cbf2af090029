import { formatEther } from 'viem';

/** In ETH to eight places, for a balance or a fee. */
export function roughEth(wei: bigint): string {
  const [whole = '0', fraction = ''] = formatEther(wei).split('.');
  const kept = fraction.slice(0, 8).replace(/0+$/, '');
  if (kept !== '') return `${whole}.${kept}`;
  return whole === '0' && wei > 0n ? 'less than 0.00000001' : whole;
}
