import { isTouchDevice } from './touch-device.ts';

/** On a phone, wallets live in apps with browsers of their own. The link carries the page and nothing of an order. */
export function MetaMaskLink() {
  if (!isTouchDevice()) return null;
  return (
    <div className="wallet-part">
      <a className="button-link" href={`https://metamask.app.link/dapp/${location.host}${location.pathname}`}>
        Open this page in MetaMask
      </a>
      <p className="quiet">
        It opens in MetaMask’s own browser, where you begin anew: what you have begun here stays here, as its
        secret is never put into a link. If you have paid already, do not pay again there.
      </p>
    </div>
  );
}
