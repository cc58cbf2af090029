/** Where a new Secure Key is shown, once: no code of wallets is here, and nothing of others. */
import { useState } from 'react';
import { readStoredOrder, type StoredOrder } from '../orders/stored-order.ts';
import { SiteHeader } from '../site-header.tsx';
import '../buy/buy.css';
import { readRecovered, readRecovery } from './kept-keys.ts';
import { OrderKey } from './order-key.tsx';
import { RecoveredKey } from './recovered-key.tsx';

export function KeyPage() {
  const [order] = useState(readStoredOrder);
  const [isRecovery] = useState(hasRecovery);
  return (
    <>
      <SiteHeader />
      <main className="key-page">
        <h1>Your Secure Key</h1>
        {isRecovery && order?.kind === 'new_key' ? (
          <Both order={order} />
        ) : isRecovery ? (
          <RecoveredKey />
        ) : order ? (
          <OrderKey order={order} />
        ) : (
          <Nothing />
        )}
      </main>
    </>
  );
}

const hasRecovery = () => readRecovered().length > 0 || readRecovery() !== null;

/** Which the buyer comes for says the address: the order's page leads to its key. The other one waits. */
function Both({ order }: { order: StoredOrder }) {
  const [isOrder, setOrder] = useState(location.hash === '#order');
  const isOtherWaiting = isOrder ? hasRecovery() : readStoredOrder() !== null;
  return (
    <>
      {isOrder ? <OrderKey order={order} /> : <RecoveredKey />}
      {isOtherWaiting && (
        <section className="card" aria-label="Another key">
          <p>
            {isOrder
              ? 'A recovery in this tab has a key, too, which waits until you have saved it.'
              : 'This tab has an order, too: its key, once it is paid, waits until you have saved it.'}
          </p>
          <button
            type="button"
            onClick={() => {
              // A reload stays with it.
              history.replaceState(null, '', isOrder ? '/key' : '/key#order');
              setOrder(!isOrder);
            }}
          >
            {isOrder ? 'Show the key of the recovery' : 'Show the key of the order'}
          </button>
        </section>
      )}
    </>
  );
}

function Nothing() {
  return (
    <section className="card" aria-label="No order">
      <p>There is no order in this tab whose key could be shown.</p>
      <ul className="promises">
        <li>
          If you have bought credits in another tab or browser, go on there. If you saved the order’s id and
          secret, find it again on <a href="/">the page where credits are bought</a>.
        </li>
        <li>
          If you have your key, use it on <a href="/account">your account</a>.
        </li>
        <li>
          If you lost it and had linked a wallet, <a href="/recover">recover your account</a>.
        </li>
      </ul>
    </section>
  );
}
