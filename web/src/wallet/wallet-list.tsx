import { useEffect, useState } from 'react';
import { type Connector, useConfig, useConnectors } from 'wagmi';
import { connect } from 'wagmi/actions';
import { AskingNote } from './asking-note.tsx';
import { DEVELOPMENT_WALLET_ID } from './development-wallet.ts';
import { MetaMaskLink } from './metamask-link.tsx';
import { PairingCode } from './pairing-code.tsx';
import { useAsking } from './use-asking.ts';
import { WALLETCONNECT_ID } from './wallet-connect.ts';

/** The wallets that can be connected here. */
export function WalletList({ purpose }: { purpose: string }) {
  const config = useConfig();
  const connectors = useConnectors();
  const asking = useAsking();
  const [chosen, setChosen] = useState<Connector | null>(null);
  const choose = (connector: Connector) => {
    setChosen(connector);
    asking.run(async () => {
      await connect(config, { connector });
    });
  };
  const isInBrowser = ({ id }: Connector) => id !== WALLETCONNECT_ID && id !== DEVELOPMENT_WALLET_ID;
  const isPairing = asking.isAsking && chosen?.id === WALLETCONNECT_ID;
  return (
    <div className="wallet-part">
      <p>Choose the wallet {purpose}.</p>
      <ul className="wallets" aria-label="Wallets">
        {connectors.map(connector => (
          <li key={connector.uid}>
            <button
              type="button"
              className={connector.id === DEVELOPMENT_WALLET_ID ? 'development' : undefined}
              disabled={asking.isAsking}
              onClick={() => choose(connector)}
            >
              {connector.name}
              <small>{descriptionOf(connector)}</small>
            </button>
          </li>
        ))}
      </ul>
      {!connectors.some(isInBrowser) && (
        <p className="quiet">
          No wallet was found in this browser. If you have one as an extension, unlock it and reload this
          page.
        </p>
      )}
      {!connectors.some(isInBrowser) && <MetaMaskLink />}
      {isPairing && chosen && <Pairing connector={chosen} />}
      <AskingNote asking={asking} for="to connect to this page" />
    </div>
  );
}

function descriptionOf({ id }: Connector): string {
  if (id === DEVELOPMENT_WALLET_ID) return 'Play money of this development stack';
  if (id === WALLETCONNECT_ID) return 'A wallet on your phone, by scanning a code';
  return 'In this browser';
}

/** What a wallet scans, once WalletConnect has made it. */
function Pairing({ connector }: { connector: Connector }) {
  const [uri, setUri] = useState<string | null>(null);
  useEffect(() => {
    const onMessage = ({ type, data }: { type: string; data?: unknown }) => {
      if (type === 'display_uri') setUri(String(data));
    };
    connector.emitter.on('message', onMessage);
    return () => connector.emitter.off('message', onMessage);
  }, [connector]);
  return uri === null ? <p role="status">Making the code…</p> : <PairingCode uri={uri} />;
}
