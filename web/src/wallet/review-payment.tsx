import { useState } from 'react';
import type { EIP1193Provider } from 'viem';
import { useConfig } from 'wagmi';
import { sendTransaction } from 'wagmi/actions';
import { shownAmount } from '../amounts.ts';
import type { EthOrder } from '../orders/order.ts';
import { Time } from '../parts.tsx';
import { AskingNote } from './asking-note.tsx';
import { base } from './base-chain.ts';
import type { ConnectedWalletAccount } from './connected-wallet.tsx';
import { isOnLocalChain } from './development-wallet.ts';
import { beginAttempt, readSentPayment, type SentPayment } from './sent-payment.ts';
import { useAsking } from './use-asking.ts';
import { type PaymentCheck, usePaymentCheck } from './use-payment-check.ts';
import { roughEth } from './wei.ts';

/** What is about to be paid, whole, and the button that asks the wallet for it. */
export function ReviewPayment(props: {
  order: EthOrder;
  wallet: ConnectedWalletAccount;
  isDevelopment: boolean;
  onSent: (sent: SentPayment) => void;
}) {
  const { order, wallet, isDevelopment, onSent } = props;
  const config = useConfig();
  const asking = useAsking();
  const { data: check, refetch, isFetching, error } = usePaymentCheck(order, wallet.address);
  // Of before a reload, or of a wait that was left: the wallet may still be asking.
  const [isOpen, setOpen] = useState(() => readSentPayment(order.id)?.hash === null);
  const { to, data } = order.payment.transaction;
  const value = BigInt(order.payment.amount_wei);
  const send = () =>
    asking.run(async () => {
      setOpen(false);
      if (isDevelopment) await refuseRealMoney(wallet);
      const endAttempt = beginAttempt(order.id, wallet.address);
      try {
        const hash = await sendTransaction(config, {
          account: wallet.address,
          connector: wallet.connector,
          chainId: base.id,
          ...{ to, data, value },
        });
        onSent({ order: order.id, hash, from: wallet.address });
      } catch (failure) {
        if (endAttempt()) setOpen(false);
        throw failure;
      }
    });
  const leave = () => {
    asking.leave();
    setOpen(true);
  };
  const isShort = check !== undefined && check.balanceWei < value + (check.feeWei ?? 0n);
  return (
    <section className="wallet-part" aria-label="Review the payment">
      <h3>Review and send</h3>
      <dl className="review">
        <dt>To</dt>
        <dd>
          <code>{to}</code>
        </dd>
        <dt>Amount</dt>
        <dd>
          {order.payment.amount_eth} ETH on Base (${order.amount_usd})
        </dd>
        <dt>You get</dt>
        <dd>{shownAmount(order.credits)} credits</dd>
        <dt>Price</dt>
        <dd>
          ${shownAmount(order.quote.eth_usd)} per ETH, held until <Time at={order.quote.deadline} />
        </dd>
        <dt>Network fee</dt>
        <dd>{feeText(check)}</dd>
        <dt>Your account has</dt>
        <dd>{check ? `${roughEth(check.balanceWei)} ETH` : error ? 'Your wallet does not tell.' : '…'}</dd>
      </dl>
      <p className="quiet">
        Your wallet shows the payment once more before it sends it: compare the address and the amount, and
        leave its data as it is. The data is this order’s reference, by which the payment is known as yours.
        The fee goes to the network, not to us.
      </p>
      {isShort && (
        <p role="alert" className="problem">
          {`This account has ${roughEth(check.balanceWei)} ETH on Base, which is too little for ${order.payment.amount_eth} ETH and the network’s fee. Add ETH on Base to it, or choose another account in your wallet; then check again.`}
        </p>
      )}
      {isOpen && (
        <p role="alert">
          Your wallet was asked for this payment already and has not answered here. Look in it first: if it
          still asks, answer there; if it has sent the payment, wait, as it is noticed here without it. Only
          pay again if it has not.
        </p>
      )}
      <div className="actions">
        <button type="button" className="primary" disabled={asking.isAsking || isShort} onClick={send}>
          {isOpen ? 'Pay again' : `Pay ${order.payment.amount_eth} ETH`}
        </button>
        {isShort && (
          <button type="button" disabled={isFetching} onClick={() => void refetch()}>
            Check again
          </button>
        )}
      </div>
      <AskingNote asking={{ ...asking, leave }} for="to send the payment" />
    </section>
  );
}

function feeText(check: PaymentCheck | undefined): string {
  if (!check) return '…';
  if (check.feeWei === null) return 'Your wallet cannot estimate it here; it shows it before it sends.';
  return `about ${roughEth(check.feeWei)} ETH, as your wallet’s network estimates it; Base adds a little for Ethereum’s own fee`;
}

/** In development: a wallet on the real Base would pay real ETH, which this stack never sees. */
async function refuseRealMoney({ connector }: ConnectedWalletAccount): Promise<void> {
  const provider = (await connector.getProvider()) as EIP1193Provider;
  const request = (asked: { method: string; params: readonly unknown[] }) => provider.request(asked as never);
  if (!(await isOnLocalChain(request)))
    throw new Error(
      'it is not on the local chain of this development stack, so it would have paid real ETH. Use the development wallet, or set your wallet’s network to the local chain.',
    );
}
