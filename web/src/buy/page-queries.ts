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

/** Who is signed in in this browser; null while that is not known, or when the session has ended. */
export function useSignedIn(): SignedIn | null {
  const { data } = useQuery({ queryKey: ['session'], queryFn: currentSession, retry: false });
  return data ?? null;
}
