import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { orderApi } from '../orders/order-api.ts';
import { noteServerTime } from '../orders/server-clock.ts';
import { currentSession, type SignedIn } from '../session-api.ts';

/** How an order can be paid here. */
export function usePageSettings() {
  return useQuery({ queryKey: ['payment-methods'], queryFn: orderApi.settings, staleTime: 600_000 });
}

const PRICE_AGAIN_MS = 10_000;

/** What ETH is quoted at just now. */
export function useEthPrice(isWanted: boolean) {
  return useQuery({
    queryKey: ['price'],
    queryFn: async () => {
      const price = await orderApi.price();
      noteServerTime(price.at);
      return price;
    },
    enabled: isWanted,
    refetchInterval: PRICE_AGAIN_MS,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

/** Who is signed in in this browser; undefined while that is not known, null where nobody is. */
export function useSignedIn(): SignedIn | null | undefined {
  const { data, isPending } = useQuery({ queryKey: ['session'], queryFn: currentSession, retry: false });
  return isPending ? undefined : (data ?? null);
}
