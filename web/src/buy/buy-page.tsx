import { useRef } from 'react';
import { orderApi, type Payee } from '../orders/order-api.ts';
import type { StoredOrder } from '../orders/stored-order.ts';
import { type CurrentOrder, useOrder } from '../orders/use-order.ts';
import { EarlierOrders } from './earlier-orders.tsx';
import { FindOrder } from './find-order.tsx';
import { FindPayment } from './find-payment.tsx';
import { OrderForm } from './order-form.tsx';
import { OrderView } from './order-view.tsx';
import { usePageSettings } from './page-queries.ts';
import { useWelcomeBack } from './welcome-back.ts';

export function BuyPage() {
  const current = useOrder();
  const { order, begin } = current;
  const settings = usePageSettings();
  const notice = useWelcomeBack(order?.id ?? null);
  /** Whose the last order of this page is: in its memory only, for a new quote of the same. */
  const lastPayee = useRef<Payee | null>(null);

  const make = async (wanted: Parameters<typeof orderApi.create>[0], payee: Payee) => {
    const made = await orderApi.create(wanted, payee);
    lastPayee.current = payee;
    begin(made);
    return made;
  };
  /** The same once more, as of now; null where the key of the account is needed again. */
  const payee: Payee | null = order?.kind === 'top_up' ? lastPayee.current : { kind: 'new_key' };
  const makeAgain =
    order === null || payee === null
      ? null
      : async (change: { unique_amount?: boolean }) => {
          await make({ amount_usd: order.amount_usd, method: order.method, ...change }, payee);
        };

  return (
    <main className="buy">
      <h1>Buy credits</h1>
      <p role="status" className="notice">
        {notice}
      </p>
      {order === null ? (
        <OrderForm settings={settings} onOrder={make} />
      ) : (
        <OrderView current={{ ...current, order }} settings={settings.data} makeAgain={makeAgain} />
      )}
      <EarlierOrders current={current} />
      <Searches current={current} order={order} />
    </main>
  );
}

function Searches({ current, order }: { current: CurrentOrder; order: StoredOrder | null }) {
  const sent = order?.method === 'eth' ? order.sent_transaction : undefined;
  return (
    <>
      <FindPayment key={sent} known={sent ?? null} />
      <FindOrder onFound={current.begin} />
    </>
  );
}
