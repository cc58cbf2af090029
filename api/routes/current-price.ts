import type { Instant, Ledger } from '../../ledger/index.ts';

const SECOND = 1_000_000n;

type EthPrice = Awaited<ReturnType<Ledger['currentEthPrice']>>;

/**
 * The price for a quote, read once a second however many ask: anybody may order, and each reading is three calls to the
 * RPC. Those who ask while it is read wait for the same answer; a failure is not kept.
 */
export function currentPriceOncePerSecond(
  ledger: Pick<Ledger, 'currentEthPrice'>,
): (now: Instant) => Promise<EthPrice> {
  let kept: { readonly second: bigint; readonly price: Promise<EthPrice> } | undefined;
  return now => {
    // Feeds tell whole seconds: a round that is not stale at one instant is not until the next whole second is over.
    const second = (now + SECOND - 1n) / SECOND;
    if (kept?.second === second) return kept.price;
    const reading = { second, price: ledger.currentEthPrice(now) };
    kept = reading;
    reading.price.catch(() => {
      if (kept === reading) kept = undefined;
    });
    return reading.price;
  };
}
