import { useState } from 'react';
import type { EthOrder } from '../orders/order.ts';
import { Problem, Time } from '../parts.tsx';
import { CopyField } from './copy-field.tsx';
import { QrCode } from './qr-code.tsx';
import { isTouchDevice } from './touch-device.ts';

/**
 * For wallets that are not in this browser. They take address and amount from a code, but no data: the payment is known by
 * its amount alone, so the order needs one of its own.
 */
export function PayFromElsewhere({
  order,
  onNeedUniqueAmount,
}: {
  order: EthOrder;
  onNeedUniqueAmount: () => Promise<void>;
}) {
  const [isOrdering, setOrdering] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const until = order.payment.unique_amount_until;
  const orderAnother = async () => {
    setOrdering(true);
    setProblem(null);
    await onNeedUniqueAmount().catch(setProblem);
    setOrdering(false);
  };
  if (until === null)
    return (
      <div className="wallet-part">
        <p>
          A wallet on another device, or an exchange, sends a plain amount. For that your order gets an amount
          of its own by which the payment is known as yours: up to some cents more than now, for which you get
          credits, too. The price is quoted anew.
        </p>
        <button type="button" disabled={isOrdering} onClick={() => void orderAnother()}>
          Get a QR code and an exact amount
        </button>
        <Problem error={problem} />
      </div>
    );
  const { address, amount_wei, amount_eth, calldata, chain_id } = order.payment;
  const uri = `ethereum:${address}@${chain_id}?value=${amount_wei}`;
  return (
    <div className="wallet-part">
      <p>
        Scan this with your wallet, or copy the address and the amount into it. Send on <strong>Base</strong>{' '}
        and nowhere else, <strong>exactly this amount</strong>, not a digit less: by it alone the payment is
        known as yours, until <Time at={until} />. If an exchange takes its fee off the amount, add it on top
        there. If the wallet is linked to an account, the payment goes to that account.
      </p>
      <QrCode text={uri} label="Code for a wallet to scan: address and exact amount on Base" />
      {isTouchDevice() && (
        <a className="button-link" href={uri}>
          Open a wallet on this device
        </a>
      )}
      <dl className="copy-fields">
        <CopyField name="Address" value={address} />
        <CopyField name="Exact amount" value={amount_eth} unit="ETH" />
      </dl>
      <details>
        <summary>My wallet can send data</summary>
        <p className="quiet">
          Then put this into its field for data (hex): with it the payment is known as yours whatever the
          amount is.
        </p>
        <dl className="copy-fields">
          <CopyField name="Data" value={calldata} />
        </dl>
      </details>
      <p className="quiet">
        Keep this page open, or come back to it in this tab: the payment shows here as soon as it is in a
        block. What to check before sending: the network is Base, the address is the one above from its first
        to its last character.
      </p>
    </div>
  );
}
