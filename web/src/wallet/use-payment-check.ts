import { useQuery } from '@tanstack/react-query';
import type { Address } from 'viem';
import { useConfig } from 'wagmi';
import { estimateGas, getBalance, getGasPrice } from 'wagmi/actions';
import type { EthOrder } from '../orders/order.ts';
import { base } from './base-chain.ts';

/** Prices of gas change with each block. */
const REFRESH_MS = 10_000;

export interface PaymentCheck {
  readonly balanceWei: bigint;
  /** What the wallet's own node expects the network to take; null where it cannot tell. */
  readonly feeWei: bigint | null;
}

/** What the account has and what paying the order would cost it, by the wallet's own word. */
export function usePaymentCheck(order: EthOrder, account: Address) {
  const config = useConfig();
  return useQuery({
    queryKey: ['payment-check', order.id, account],
    refetchInterval: REFRESH_MS,
    retry: 2,
    queryFn: async (): Promise<PaymentCheck> => {
      const { to, data } = order.payment.transaction;
      const value = BigInt(order.payment.amount_wei);
      const chainId = base.id;
      const [{ value: balanceWei }, feeWei] = await Promise.all([
        getBalance(config, { address: account, chainId }),
        Promise.all([
          estimateGas(config, { account, to, data, value, chainId }),
          getGasPrice(config, { chainId }),
        ]).then(
          ([gas, price]) => gas * price,
          () => null,
        ),
      ]);
      return { balanceWei, feeWei };
    },
  });
}
