import { shownAmount } from '../amounts.ts';
import type { CurrentOrder } from '../orders/use-order.ts';
import { ConfirmButton, Section, Time } from '../parts.tsx';

/** The orders of this tab that were set aside: their secrets are nowhere else. */
export function EarlierOrders({ current }: { current: CurrentOrder }) {
  if (current.earlier.length === 0) return null;
  return (
    <Section title="Earlier orders of this tab">
      {current.earlier.map(order => (
        <article key={order.id}>
          <p>
            ${shownAmount(order.amount_usd)} for {shownAmount(order.credits)} credits, by{' '}
            {order.method === 'card' ? 'card' : 'crypto'}, of <Time at={order.created_at} />
            {order.method === 'eth' &&
              order.sent_transaction !== undefined &&
              '. Your wallet has sent its payment: go on with it'}
          </p>
          <div className="actions">
            <button
              type="button"
              onClick={() => current.begin(order)}
              aria-label={`Go on with order ${order.id}`}
            >
              Go on
            </button>
            <ConfirmButton
              verb="Forget"
              what={`order ${order.id}`}
              question={FORGETTING}
              onConfirm={() => current.forget(order.id)}
            />
          </div>
        </article>
      ))}
    </Section>
  );
}

export const FORGETTING =
  'Its secret goes with it: if it was paid, or is paid later, and its key is not saved, only the operator can help.';
