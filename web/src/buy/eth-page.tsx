import { lazy, Suspense, useState } from 'react';
import { shownAmount } from '../amounts.ts';
import { minutesLeft } from '../instants.ts';
import type { EthOrderStatus, OrderStatus } from '../orders/order.ts';
import { useServerNowMs } from '../orders/server-clock.ts';
import type { PageSettings } from '../orders/settings.ts';
import type { StoredOrder } from '../orders/stored-order.ts';
import { Problem, Section, Time } from '../parts.tsx';
import { readSentPayment } from '../wallet/sent-payment.ts';
import { Help } from './help.tsx';
import { useEthPrice } from './page-queries.ts';

/** Wallets come when somebody pays by one. */
const CryptoPayment = lazy(() => import('../wallet/crypto-payment.tsx'));

interface EthPageProps {
  readonly order: StoredOrder & { readonly method: 'eth' };
  readonly status: OrderStatus | null;
  readonly settings: PageSettings | undefined;
  readonly makeAgain: ((change: { unique_amount?: boolean }) => Promise<void>) | null;
  readonly onSent: (orderId: string, transactionHash: string | null) => void;
  readonly onStartOver: () => void;
}

/** How the order is paid in ETH, and how long its price holds. */
export function EthPage({ order, status: told, settings, makeAgain, onSent, onStartOver }: EthPageProps) {
  const status = told as EthOrderStatus | null;
  const isOpen = status === null || status.progress === 'waiting';
  // Nothing is left to do in a wallet.
  if (status?.payments.some(payment => !payment.reorged)) return null;
  return (
    <Section title="Pay with crypto">
      {isOpen && (
        <Quote
          order={order}
          isSent={order.sent_transaction !== undefined}
          isExpired={status?.state.quote === 'expired'}
          makeAgain={makeAgain}
          onStartOver={onStartOver}
        />
      )}
      {settings && (
        <Suspense fallback={<p className="quiet">Loading what wallets need…</p>}>
          <CryptoPayment
            order={order}
            status={status}
            settings={settings}
            onSent={onSent}
            onNeedUniqueAmount={async () => {
              if (makeAgain === null) throw new Error(KEY_AGAIN);
              await makeAgain({ unique_amount: true });
            }}
          />
        </Suspense>
      )}
      {isOpen && (
        <Help title="What to check in the wallet">
          <ul>
            <li>The network is Base.</li>
            <li>
              It pays <code>{order.payment.address}</code>, all of it as here.
            </li>
            <li>
              The amount is {order.payment.amount_eth} ETH; the network’s fee comes on top, and is a few cents
              at most.
            </li>
            <li>
              The data is <code>{order.payment.calldata}</code>: it tells that the payment is this order’s. A
              wallet that shows no data can pay by the exact amount instead.
            </li>
          </ul>
        </Help>
      )}
    </Section>
  );
}

const KEY_AGAIN =
  'Since this page was reloaded it does not know your Secure Key any more: start another order and enter it again.';

function Quote(props: {
  order: EthPageProps['order'];
  isSent: boolean;
  isExpired: boolean;
  makeAgain: EthPageProps['makeAgain'];
  onStartOver: () => void;
}) {
  const { order, isSent, isExpired, makeAgain, onStartOver } = props;
  const [isMaking, setMaking] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  // Tells the server's time, too.
  useEthPrice(true);
  const nowMs = useServerNowMs();
  // Looked at with every tick of the clock: who pays the order before and this one pays twice.
  const isAsked = readSentPayment(order.id)?.hash === null;
  const deadlineMs = Date.parse(order.quote.deadline);
  const again = async () => {
    if (makeAgain === null) return onStartOver();
    setMaking(true);
    setProblem(null);
    // A plain amount again, where that is how this one is paid.
    const unique = order.payment.unique_amount_until === null ? {} : { unique_amount: true };
    await makeAgain(unique).catch(setProblem);
    setMaking(false);
  };
  if (!isExpired && nowMs < deadlineMs)
    return (
      <p>
        ${shownAmount(order.quote.eth_usd)} per ETH, held for{' '}
        <span role="timer" data-testid="quote-left">
          {minutesLeft(deadlineMs, nowMs)}
        </span>{' '}
        (until <Time at={order.quote.deadline} />
        ). A payment whose block is later is taken at the price of its block.
      </p>
    );
  return (
    <div className="note">
      <h3>The price of this quote has run out</h3>
      <p>
        ${shownAmount(order.quote.eth_usd)} per ETH was held until <Time at={order.quote.deadline} />. A
        payment that you send now still buys credits, at the price of its block.
      </p>
      {isAsked && (
        <p>
          Your wallet was asked to pay this order and has not answered: answer it there before you go on with
          another.
        </p>
      )}
      {!isSent && !isAsked && (
        <div className="actions">
          <button type="button" className="primary" disabled={isMaking} onClick={() => void again()}>
            Get a new quote
          </button>
        </div>
      )}
      <p className="quiet">
        A new quote is a new order over the same amount. This one is kept below, in case you have paid it
        already.
      </p>
      <Problem error={problem} />
    </div>
  );
}
