import type { FeedRound, Ledger } from '../ledger/index.ts';
import { Problem } from './problem.ts';

/** The round to quote by, or a Problem that says why there is none. */
export async function quotableRound(reading: ReturnType<Ledger['currentEthPrice']>): Promise<FeedRound> {
  const price = await reading.catch(() => {
    throw new Problem('price_unavailable', 'The ETH price cannot be read just now: try again shortly.', {
      cause: 'rpc_unavailable',
    });
  });
  if (price.round) return price.round;
  throw new Problem('price_unavailable', 'There is no valid ETH price just now: try again shortly.', {
    cause: price.problem,
  });
}
