import { useMutation } from '@tanstack/react-query';
import type { OrderStatus } from '../orders/order.ts';
import { orderApi } from '../orders/order-api.ts';
import { serverNowMs } from '../orders/server-clock.ts';
import type { StoredOrder } from '../orders/stored-order.ts';
import { Problem, Section } from '../parts.tsx';
import { Help } from './help.tsx';

/** By card, nothing more can be paid then. */
const PAID_ENOUGH = ['processing', 'credited'];

/** The way to Stripe's page, as often as it takes. */
export function CardPage({ order, status }: { order: StoredOrder; status: OrderStatus | null }) {
  const opening = useMutation({
    mutationFn: () => orderApi.checkout(order),
    onSuccess: ({ url }) => location.assign(url),
  });
  if (status !== null && PAID_ENOUGH.includes(status.progress)) return null;
  const checkout = order.method === 'card' ? order.checkout : undefined;
  const isExpired = checkout !== undefined && serverNowMs() >= Date.parse(checkout.expires_at);
  return (
    <Section title="Pay by card">
      <p>
        You pay on a page of Stripe, which brings you back here. Your card’s number never comes to us.
        {isExpired && ' The page that was opened for this order has expired: you get a new one.'}
      </p>
      <div className="actions">
        <button
          type="button"
          className="primary"
          disabled={opening.isPending}
          onClick={() => opening.mutate()}
        >
          {isExpired ? 'Open a new payment page' : 'Go to the payment page'}
        </button>
      </div>
      <Problem error={opening.error} />
      <Help title="Declined, or something looks wrong?">
        <p>
          A declined card is not charged: try another one on the same page. Look for what your bank says; many
          want you to confirm a payment in their app. If you have paid and this page does not notice it within
          a minute, reload it.
        </p>
      </Help>
    </Section>
  );
}
