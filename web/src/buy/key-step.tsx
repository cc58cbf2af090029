import { lazy, Suspense } from 'react';
import type { OrderStatus } from '../orders/order.ts';
import type { PageSettings } from '../orders/settings.ts';
import type { StoredOrder } from '../orders/stored-order.ts';
import { Section } from '../parts.tsx';
import { Help } from './help.tsx';

const LinkWallet = lazy(() => import('../wallet/link-wallet.tsx'));

/** The way from a credited order to its credits. */
export function KeyStep(props: {
  order: StoredOrder;
  status: OrderStatus;
  settings: PageSettings | undefined;
}) {
  const { order, status } = props;
  const { key, credited } = status.state;
  if (key === 'acknowledged' || key === 'closed') return <Over key_={key} />;
  if (!credited) return null;
  if (key === null)
    return (
      <Section title="Added to your account">
        <p className="good">The credits are in the account that you topped up: your key stays as it is.</p>
        <p>
          <a href="/account">See your account</a>
        </p>
      </Section>
    );
  return (
    <Section title="Your key">
      {key === 'claimed' ? (
        <p>
          The key of this order was shown before: if you saved it, use that one. If you did not, you may have
          a new one in its place, and the one before stops working then. That is possible for 24 hours after
          it was first shown, and only while nothing was done with it.
        </p>
      ) : (
        <p>
          Your credits are opened by a Secure Key. It is shown on a page of its own until you say that you
          saved it, and never again after that. Have a place ready to keep it, such as a password manager.
        </p>
      )}
      <div className="actions">
        <a className="button primary" href="/key#order">
          {key === 'claimed' ? 'Ask for a new key' : 'Get my Secure Key'}
        </a>
      </div>
      {order.method === 'eth' && key === 'unclaimed' && (
        <details className="help">
          <summary>Link your wallet first, in case you ever lose the key</summary>
          <Suspense fallback={<p className="quiet">Loading what wallets need…</p>}>
            <LinkWallet order={order} />
          </Suspense>
        </details>
      )}
      <Help title="What is a Secure Key?">
        <p>
          A long text that works like a password and needs no name beside it. AI services ask for it to spend
          your credits; with it you see your balance, make further keys with limits, and top up.
        </p>
      </Help>
    </Section>
  );
}

function Over({ key_ }: { key_: 'acknowledged' | 'closed' }) {
  return (
    <Section title="Your key">
      {key_ === 'acknowledged' ? (
        <p className="good">You have saved the key of this order: it is not shown any more.</p>
      ) : (
        <p>
          This order gives out no key any more: its account was recovered by a wallet, which got a new key
          then.
        </p>
      )}
      <p>
        <a href="/account">Go to your account</a>
      </p>
    </Section>
  );
}
