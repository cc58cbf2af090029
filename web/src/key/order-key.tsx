import { type ReactNode, useEffect, useState } from 'react';
import { ApiProblem } from '../api.ts';
import { orderApi } from '../orders/order-api.ts';
import { forgetStoredOrder, type StoredOrder } from '../orders/stored-order.ts';
import { useOrderStatus } from '../orders/use-order.ts';
import { Problem, Section } from '../parts.tsx';
import { forgetClaimedKey, keepClaimedKey, readClaimedKey } from './kept-keys.ts';
import { KeyGate } from './key-gate.tsx';
import { Saved } from './saved.tsx';

/** The key of a paid order: claimed when the buyer wants it, the same until it is saved. */
export function OrderKey({ order }: { order: StoredOrder }) {
  const { status, problem } = useOrderStatus(order);
  const [shown, setShown] = useState(() => readClaimedKey(order.id));
  const [isSaved, setSaved] = useState(false);
  const [superseded, setSuperseded] = useState<Error | null>(null);
  const told = status?.state.key ?? null;
  // It was saved in another tab, or replaced by a recovery.
  const isOver = told === 'acknowledged' || told === 'closed';
  useEffect(() => {
    if (isOver && readClaimedKey(order.id) !== null) forgetClaimedKey();
  }, [isOver, order.id]);
  if (isSaved) return <Saved />;

  const claim = async () => {
    const { secure_key } = await orderApi.claim(order);
    keepClaimedKey({ order: order.id, secure_key });
    setShown(secure_key);
    setSuperseded(null);
  };
  const acknowledge = async (secureKey: string) => {
    try {
      await orderApi.acknowledge(order, secureKey);
    } catch (error) {
      // It was claimed once more elsewhere: this one opens nothing.
      if (error instanceof ApiProblem && error.code === 'key_superseded') {
        forgetClaimedKey();
        setShown(null);
        setSuperseded(error);
      }
      throw error;
    }
    forgetClaimedKey();
    forgetStoredOrder();
    setSaved(true);
  };

  if (status === null)
    return (
      <Notice>
        {problem ? <Problem error={problem} /> : <p className="quiet">Looking at your order…</p>}
      </Notice>
    );
  const { key, credited } = status.state;
  if (key === null)
    return (
      <Notice>
        <p>
          {credited
            ? 'This order was a top-up, and its credits were added to your account: there is no new key, yours stays as it is.'
            : 'This order tops up an account: once it is paid, its credits are there. There will be no new key.'}
        </p>
        <p>
          <a href={credited ? '/account' : '/'}>{credited ? 'See your account' : 'Back to the order'}</a>
        </p>
      </Notice>
    );
  if (key === 'acknowledged') return <Saved />;
  if (key === 'closed')
    return (
      <Notice>
        <p>
          This order gives out no key any more: its account was recovered by a wallet, which got a new key
          then.
        </p>
      </Notice>
    );
  if (shown !== null) return <KeyGate secureKey={shown} onSaved={acknowledge} />;
  if (!credited)
    return (
      <Notice>
        <p>This order is not credited yet: once it is, its key can be shown here.</p>
        <p>
          <a href="/">Back to the order</a>
        </p>
      </Notice>
    );
  return (
    <>
      <Problem error={superseded} />
      <ClaimStep wasClaimed={key === 'claimed'} onClaim={claim} />
    </>
  );
}

function ClaimStep({ wasClaimed, onClaim }: { wasClaimed: boolean; onClaim: () => Promise<void> }) {
  const [isClaiming, setClaiming] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const claim = async () => {
    setClaiming(true);
    setProblem(null);
    await onClaim().catch(setProblem);
    setClaiming(false);
  };
  return (
    <Section title="Before it is shown">
      {wasClaimed && (
        <p className="problem">
          The key of this order was shown before. For 24 hours after that, and only while nothing was done
          with it, you may have a new key in its place, and the one before stops working: whoever has saved it
          should rather use that one.
        </p>
      )}
      <p>
        Whoever sees this key can use your credits: make sure that nobody looks on. Have a place ready to keep
        it, such as a password manager. It is shown until you say that you saved it, also after a reload of
        this page, and for 24 hours at most.
      </p>
      <div className="actions">
        <button type="button" className="primary" disabled={isClaiming} onClick={() => void claim()}>
          {wasClaimed ? 'Ask for a new key; the one before stops working' : 'Show my Secure Key'}
        </button>
      </div>
      <Problem error={problem} />
      {problem instanceof ApiProblem && problem.code === 'claim_closed' && (
        <p>
          Use the key that was saved, on <a href="/account">your account</a>. If nobody has it and a wallet is
          linked to the account, <a href="/recover">recover it by that wallet</a>.
        </p>
      )}
    </Section>
  );
}

function Notice({ children }: { children: ReactNode }) {
  return (
    <section className="card" aria-label="Your order">
      {children}
    </section>
  );
}
