import { useEffect, useRef, useState } from 'react';
import type { Hash } from 'viem';
import { useConfig, useConnection } from 'wagmi';
import type { EthOrderStatus } from '../orders/order.ts';
import { TransactionLink } from '../orders/transaction-link.tsx';
import { type TransactionState, watchTransaction } from './watch-transaction.ts';

/** What becomes of a payment that the wallet has sent, as the wallet's own network tells it. */
export function FollowPayment(props: {
  hash: Hash;
  isDevelopment: boolean;
  status: EthOrderStatus | null;
  /** By which transaction it comes, as far as is known; null: by none. */
  onFate: (hash: Hash | null) => void;
  /** It came to nothing, and the buyer wants to pay anew. */
  onAgain: () => void;
}) {
  const { hash, status, onAgain } = props;
  const config = useConfig();
  const { status: connection } = useConnection();
  const [state, setState] = useState<Exclude<TransactionState, { name: 'sped_up' }>>({ name: 'waiting' });
  const [wasSpedUp, setSpedUp] = useState(false);
  const tellFate = useRef(props.onFate);
  useEffect(() => {
    tellFate.current = props.onFate;
  });
  // The ledger's own word ends the watch, whichever transaction it was.
  const isTaken = status?.payments.some(payment => !payment.reorged) ?? false;
  useEffect(() => {
    setState({ name: 'waiting' });
    if (isTaken) return;
    return watchTransaction(config, hash, next => {
      if (next.name === 'sped_up') setSpedUp(true);
      else setState(next);
      if (next.name === 'sped_up') tellFate.current(next.hash);
      else tellFate.current(isLost(next) ? null : hash);
    });
  }, [config, hash, isTaken]);
  if (isTaken) return <p className="quiet">Your payment has arrived: see below how far it is.</p>;
  const canPayAgain = isLost(state);
  return (
    <section className="wallet-part" aria-label="Your transaction">
      <p>
        Your wallet has sent the payment: <TransactionLink hash={hash} isDevelopment={props.isDevelopment} />
      </p>
      {wasSpedUp && (
        <p>You sped it up: it came by this transaction in place of the first, which counts just as well.</p>
      )}
      <p role={canPayAgain ? 'alert' : 'status'}>{TEXTS[state.name]}</p>
      {state.name === 'waiting' && connection !== 'connected' && (
        <p className="quiet">
          Your wallet is not connected just now. The payment is not affected: once it is in a block it shows
          here.
        </p>
      )}
      {canPayAgain && (
        <button type="button" onClick={onAgain}>
          Pay again
        </button>
      )}
    </section>
  );
}

/** Nothing is paid by it, as things are. */
function isLost({ name }: TransactionState): boolean {
  return name === 'reverted' || name === 'cancelled' || name === 'replaced' || name === 'dropped';
}

const TEXTS: Readonly<Record<Exclude<TransactionState['name'], 'sped_up'>, string>> = {
  waiting:
    'It is on its way to a block, which takes some seconds. If it takes longer, speed it up in your wallet: that is noticed here.',
  mined:
    'It is in a block. Your credits follow in a moment; if they do not within a minute, look this transaction up under the help on this page.',
  reverted:
    'The network undid this payment: nothing was paid but the network’s fee. Your wallet may have set too little gas. Pay again, and leave the gas as your wallet suggests it; if it fails once more, write to the operator of this site.',
  cancelled:
    'You cancelled the payment in your wallet: nothing was paid but the network’s fee. Pay again if you still want the credits.',
  replaced:
    'Your wallet sent another transaction in its place, which is not this payment: nothing has been paid for this order. Pay again if you still want the credits.',
  dropped:
    'The network does not know this payment any more: it was dropped before it came into a block, and nothing was paid. Look in your wallet: if it is marked as failed or is gone there, pay again. Should it come back after all, it is credited as well.',
};
