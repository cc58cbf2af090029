import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { orderApi } from '../orders/order-api.ts';
import type { StoredOrder } from '../orders/stored-order.ts';
import { Problem, Section } from '../parts.tsx';
import { ReceiptView } from './receipt-view.tsx';

/** An order of another time or place: its receipt by its secret or a Secure Key, and going on with it by its secret. */
export function FindOrder({ onFound }: { onFound: (order: StoredOrder) => void }) {
  const id = useId();
  const [order, setOrder] = useState('');
  const [credential, setCredential] = useState('');
  const given = { id: order.trim(), secret: credential.trim() };
  const showing = useMutation({ mutationFn: () => orderApi.receipt(given.id, given.secret) });
  const going = useMutation({
    mutationFn: async () => ({ ...(await orderApi.order(given)), secret: given.secret }) as StoredOrder,
    onSuccess: found => onFound(withoutStatus(found)),
  });
  const isAsking = showing.isPending || going.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    going.reset();
    showing.mutate();
  };
  return (
    <Section title="Find an order">
      <form onSubmit={submit} noValidate>
        <div className="row">
          <label htmlFor={id} className="wide">
            Order
            <input
              id={id}
              autoComplete="off"
              spellCheck={false}
              placeholder="ord_…"
              value={order}
              onChange={event => setOrder(event.target.value)}
            />
          </label>
          <label htmlFor={`${id}-secret`} className="wide">
            Its secret, or your Secure Key
            <input
              id={`${id}-secret`}
              type="password"
              autoComplete="off"
              spellCheck={false}
              value={credential}
              onChange={event => setCredential(event.target.value)}
            />
          </label>
        </div>
        <div className="actions">
          <button type="submit" disabled={isAsking || given.id === '' || given.secret === ''}>
            Show the receipt
          </button>
          {given.secret.startsWith('aios_') && (
            <button
              type="button"
              disabled={isAsking || given.id === ''}
              onClick={() => {
                showing.reset();
                going.mutate();
              }}
            >
              Go on with this order
            </button>
          )}
        </div>
      </form>
      <Problem error={showing.error ?? going.error} />
      {showing.data && <ReceiptView receipt={showing.data} />}
    </Section>
  );
}

/** What changes is told by the order's events. */
function withoutStatus(order: StoredOrder): StoredOrder {
  const { state: _, payments: __, ...kept } = order as StoredOrder & { state?: unknown; payments?: unknown };
  return kept as StoredOrder;
}
