import { type ReactNode, useState } from 'react';
import type { Address } from 'viem';
import { type Connector, useConfig, useConnection } from 'wagmi';
import { disconnect } from 'wagmi/actions';
import { DEVELOPMENT_WALLET_ID } from './development-wallet.ts';
import { WalletList } from './wallet-list.tsx';

export interface ConnectedWalletAccount {
  readonly address: Address;
  readonly chainId: number;
  readonly connector: Connector;
}

/** A wallet to connect, then whose account it is and what can be done with it. */
export function ConnectedWallet(props: {
  /** Completes "Choose the wallet …". */
  purpose: string;
  children: (wallet: ConnectedWalletAccount) => ReactNode;
}) {
  const config = useConfig();
  const { address, chainId, connector, status } = useConnection();
  const [wasConnected, setWasConnected] = useState(false);
  const isConnected = status === 'connected' && address !== undefined && connector !== undefined;
  if (isConnected && !wasConnected) setWasConnected(true);
  if (!isConnected)
    return (
      <>
        {status === 'reconnecting' && <p role="status">Looking for the wallet that you had connected…</p>}
        {wasConnected && status === 'disconnected' && (
          <p role="alert">
            Your wallet is not connected any more. What it has sent is not affected; connect it again to go
            on.
          </p>
        )}
        <WalletList purpose={props.purpose} />
      </>
    );
  const leave = () => {
    setWasConnected(false);
    void disconnect(config, { connector });
  };
  return (
    <div className="wallet-part">
      <p>
        Connected by {connector.name}: <code data-testid="wallet-account">{address}</code>
      </p>
      {connector.id === DEVELOPMENT_WALLET_ID && (
        <p className="development-notice">
          Development wallet: it pays with play money of the local chain, and signs without asking.
        </p>
      )}
      {props.children({ address, chainId: chainId ?? 0, connector })}
      <button type="button" onClick={leave}>
        Use another wallet
      </button>
    </div>
  );
}
