import { CopyField } from './copy-field.tsx';
import { QrCode } from './qr-code.tsx';
import { isTouchDevice } from './touch-device.ts';

/** Pairs a wallet elsewhere with this page. */
export function PairingCode({ uri }: { uri: string }) {
  return (
    <section className="wallet-part" aria-label="Pair your wallet">
      <p>
        Scan this with your wallet’s own scanner (often named WalletConnect), and allow the connection there.
      </p>
      <QrCode text={uri} label="Code for your wallet to scan" />
      {isTouchDevice() && (
        <a className="button-link" href={uri}>
          Open the wallet on this device
        </a>
      )}
      <dl className="copy-fields">
        <CopyField name="Pairing link" value={uri} />
      </dl>
    </section>
  );
}
