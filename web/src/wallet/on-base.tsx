import type { ReactNode } from 'react';
import { useConfig } from 'wagmi';
import { switchChain } from 'wagmi/actions';
import { AskingNote } from './asking-note.tsx';
import { base } from './base-chain.ts';
import type { ConnectedWalletAccount } from './connected-wallet.tsx';
import { useAsking } from './use-asking.ts';

/** Lets go on with a wallet that is on Base, and helps the others there. */
export function OnBase({ wallet, children }: { wallet: ConnectedWalletAccount; children: ReactNode }) {
  const config = useConfig();
  const asking = useAsking();
  if (wallet.chainId === base.id) return children;
  const change = () =>
    asking.run(async () => {
      // Adds it where the wallet does not know it.
      await switchChain(config, { chainId: base.id, connector: wallet.connector });
    });
  return (
    <div className="wallet-part">
      <p role="alert">
        {`Your wallet is on another network (chain ${wallet.chainId}). Payments are taken on Base (chain ${base.id}) only: what is sent on another network does not arrive here.`}
      </p>
      <button type="button" className="primary" disabled={asking.isAsking} onClick={change}>
        Switch to Base
      </button>
      <AskingNote asking={asking} for="to switch to Base" />
    </div>
  );
}
