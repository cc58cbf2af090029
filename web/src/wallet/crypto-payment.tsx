/** Paying an order in ETH on Base: from a wallet in this browser or on a phone, or from one that is elsewhere. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { EthOrder, EthOrderStatus, OrderStatus } from '../orders/order.ts';
import type { PageSettings } from '../orders/settings.ts';
import { ConnectedWallet } from './connected-wallet.tsx';
import { FollowPayment } from './follow-payment.tsx';
import { OnBase } from './on-base.tsx';
import { PayFromElsewhere } from './pay-from-elsewhere.tsx';
import { ReviewPayment } from './review-payment.tsx';
import { forgetSentPayment, readSentPayment, type SentPayment, storeSentPayment } from './sent-payment.ts';
import { WalletRoot } from './wallet-root.tsx';

export interface CryptoPaymentProps {
  readonly order: EthOrder;
  readonly status: OrderStatus | null;
  readonly settings: PageSettings;
  /**
   * The wallet says that it has sent the payment of an order, or another transaction in its place; null: nothing came of
   * it. It may say so when another order is shown by now.
   */
  readonly onSent: (orderId: string, transactionHash: string | null) => void;
  /** The buyer pays from a wallet that sends plain amounts: makes such an order and shows it here in place of this one. */
  readonly onNeedUniqueAmount: () => Promise<void>;
}

export default function CryptoPayment(props: CryptoPaymentProps) {
  return (
    <WalletRoot settings={props.settings}>
      <Payment key={props.order.id} {...props} />
    </WalletRoot>
  );
}

function Payment({ order, status: told, settings, onSent, onNeedUniqueAmount }: CryptoPaymentProps) {
  const [sent, setSent] = useState(() => readSentPayment(order.id));
  const tell = useRef(onSent);
  useEffect(() => {
    tell.current = onSent;
  }, [onSent]);
  const noteSent = useCallback((next: SentPayment) => {
    storeSentPayment(next);
    setSent(next);
    if (next.hash !== null) tell.current(next.order, next.hash);
  }, []);
  const status = told !== null && 'quote' in told.state ? (told as EthOrderStatus) : null;
  const isDevelopment = settings.development_wallet;
  const isPaid = status?.payments.some(payment => !payment.reorged) ?? false;
  if (sent !== null && sent.hash !== null)
    return (
      <FollowPayment
        hash={sent.hash}
        isDevelopment={isDevelopment}
        status={status}
        onFate={hash => (hash === null ? onSent(order.id, null) : noteSent({ ...sent, hash }))}
        onAgain={() => {
          forgetSentPayment(order.id);
          setSent(null);
        }}
      />
    );
  // Whoever paid from elsewhere must not be led to pay twice.
  if (isPaid) return <p className="quiet">A payment of this order has arrived: see below how far it is.</p>;
  return (
    <div className="wallet-part">
      {isDevelopment && (
        <p className="development-notice">
          This is a development stack on a local chain: never send real ETH to what it shows.
        </p>
      )}
      <section className="wallet-part" aria-label="Pay from a wallet">
        <ConnectedWallet purpose="to pay from">
          {wallet => (
            <OnBase wallet={wallet}>
              <ReviewPayment order={order} wallet={wallet} isDevelopment={isDevelopment} onSent={noteSent} />
            </OnBase>
          )}
        </ConnectedWallet>
      </section>
      <details open={order.payment.unique_amount_until !== null}>
        <summary>Pay from a wallet elsewhere: QR code, or copy address and amount</summary>
        <PayFromElsewhere order={order} onNeedUniqueAmount={onNeedUniqueAmount} />
      </details>
    </div>
  );
}
