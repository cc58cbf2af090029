/** Where a new Secure Key is shown, once: no code of wallets is here, and nothing of others. */
import { useState } from 'react';
import { readStoredOrder } from '../orders/stored-order.ts';
import { SiteHeader } from '../site-header.tsx';
import '../buy/buy.css';
import { readRecovered, readRecovery } from './kept-keys.ts';
import { OrderKey } from './order-key.tsx';
import { RecoveredKey } from './recovered-key.tsx';

export function KeyPage() {
  const [order] = useState(readStoredOrder);
  const [isRecovery] = useState(() => readRecovered() !== null || readRecovery() !== null);
  return (
    <>
      <SiteHeader />
      <main className="key-page">
        <h1>Your Secure Key</h1>
        {isRecovery ? <RecoveredKey /> : order ? <OrderKey order={order} /> : <Nothing />}
      </main>
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
