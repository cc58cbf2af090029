import type { Router } from 'express';
import type { Ledger } from '../../ledger/index.ts';
import { getPaymentMethods } from '../contract/orders.ts';
import { Serving } from '../serve.ts';
import type { WalletConnectConfig } from '../wallet-connect-config.ts';

/** How an order can be paid here, before there is one, and with which wallets beside those of the browser. */
export function paymentMethodRoutes(
  ledger: Ledger,
  wallets: { readonly walletConnect: WalletConnectConfig | null; readonly developmentWallet: boolean },
): Router {
  const { walletConnect, developmentWallet } = wallets;
  return new Serving(ledger)
    .on(getPaymentMethods, async () => ({
      methods: ledger.cards ? ['eth', 'card'] : ['eth'],
      walletconnect_project_id: walletConnect?.projectId ?? null,
      walletconnect_relay_url: walletConnect?.relayUrl ?? null,
      development_wallet: developmentWallet,
    }))
    .refuseOtherMethods();
}
