import { useQuery } from '@tanstack/react-query';
import { ethText, shownAmount } from '../amounts.ts';
import { download } from '../download.ts';
import type { OrderStatus } from '../orders/order.ts';
import { orderApi } from '../orders/order-api.ts';
import type { PageSettings } from '../orders/settings.ts';
import type { StoredOrder } from '../orders/stored-order.ts';
import type { CurrentOrder } from '../orders/use-order.ts';
import { ConfirmButton, Problem, Section, Time } from '../parts.tsx';
import { CardPage } from './card-page.tsx';
import { FORGETTING } from './earlier-orders.tsx';
import { EthPage } from './eth-page.tsx';
import { Help } from './help.tsx';
import { KeyStep } from './key-step.tsx';
import { PaymentList } from './payment-list.tsx';
import { ProgressSteps } from './progress-steps.tsx';
import { ReceiptView } from './receipt-view.tsx';
import { type Note, notesOf } from './status-notes.ts';

export interface OrderViewProps {
  readonly current: CurrentOrder & { readonly order: StoredOrder };
  readonly settings: PageSettings | undefined;
  /** Orders the same anew, as of now; null where the key of the account is needed for that. */
  readonly makeAgain: ((change: { unique_amount?: boolean }) => Promise<void>) | null;
}

/** An order from being made to its key. */
export function OrderView({ current, settings, makeAgain }: OrderViewProps) {
  const { order, status, problem } = current;
  const sent = order.method === 'eth' ? (order.sent_transaction ?? null) : null;
  const isDevelopment = !order.secret.startsWith('aios_live_');
  return (
    <>
      <OrderSection current={current} status={status} />
      {order.method === 'card' ? (
        <CardPage order={order} status={status} />
      ) : (
        <EthPage
          order={order}
          status={status}
          settings={settings}
          makeAgain={makeAgain}
          onSent={current.noteSent}
          onStartOver={current.setAside}
        />
      )}
      <Section title="Progress">
        <Problem error={problem} />
        {problem?.status === 404 && (
          <p>
            Perhaps it is of another installation, or was made long ago.{' '}
            <button type="button" onClick={() => current.forget(order.id)}>
              Begin anew
            </button>
          </p>
        )}
        {status === null ? (
          problem === null && <p className="quiet">Looking at your order…</p>
        ) : (
          <>
            <ProgressSteps order={order} status={status} isSent={sent !== null} />
            <div role="status" className="notes">
              {notesOf(order, status, sent).map((note, index) => (
                <NoteView key={note.title} note={note} isFirst={index === 0} />
              ))}
            </div>
            <PaymentList status={status} sent={sent} isDevelopment={isDevelopment} />
            {(status.state.credited || status.progress === 'returned') && (
              <OwnReceipt order={order} status={status} />
            )}
          </>
        )}
        <Help title="What happens now?">
          <p>
            You can reload this page or leave it open: it follows your payment by itself and goes on where it
            was. If it is closed, the order can be found again below by its id and secret, which you can save
            above.
          </p>
        </Help>
      </Section>
      {status !== null && <KeyStep order={order} status={status} settings={settings} />}
    </>
  );
}

function NoteView({ note, isFirst }: { note: Note; isFirst: boolean }) {
  return (
    <div className={`note ${note.tone}`} data-testid={isFirst ? 'headline' : undefined}>
      <h3>{note.title}</h3>
      <p>{note.what}</p>
      <p className="quiet">{note.todo}</p>
    </div>
  );
}

function OrderSection({
  current,
  status,
}: {
  current: CurrentOrder & { readonly order: StoredOrder };
  status: OrderStatus | null;
}) {
  const { order } = current;
  const isOver = status !== null && (status.state.key === 'acknowledged' || status.state.key === 'closed');
  return (
    <Section title="Your order">
      <dl className="facts">
        <dt>You get</dt>
        <dd>
          <strong>{shownAmount(order.credits)}</strong> credits{' '}
          {order.kind === 'top_up' ? 'on top of what your account has' : 'with a new Secure Key'}
        </dd>
        <dt>You pay</dt>
        <dd>
          ${shownAmount(order.amount_usd)}
          {order.method === 'eth' && ` = ${ethText(order.payment.amount_wei)} ETH`}
        </dd>
        <dt>Ordered</dt>
        <dd>
          <Time at={order.created_at} />
        </dd>
        <dt>Order</dt>
        <dd>
          <code>{order.id}</code>
        </dd>
      </dl>
      <div className="actions">
        <button type="button" onClick={current.setAside}>
          Start another order
        </button>
        <button type="button" onClick={() => saveOrder(order)}>
          Save this order as a file
        </button>
        {isOver ? (
          <button type="button" onClick={() => current.forget(order.id)}>
            Forget this order
          </button>
        ) : (
          <ConfirmButton
            verb="Forget"
            what="this order"
            question={FORGETTING}
            onConfirm={() => current.forget(order.id)}
          />
        )}
      </div>
    </Section>
  );
}

/** With what it takes to come back to it in another tab. */
function saveOrder(order: StoredOrder): void {
  const lines = [
    `Order of AiSpace Credits at ${location.origin}`,
    `Order: ${order.id}`,
    `Secret: ${order.secret}`,
    `Made: ${order.created_at}, $${order.amount_usd} for ${order.credits} credits`,
    'Under "Find an order" these two lead back to it. Who has the secret can take its key: keep it to yourself.',
  ];
  download(`order-${order.id}.txt`, `${lines.join('\n')}\n`, 'text/plain');
}

function OwnReceipt({ order, status }: { order: StoredOrder; status: OrderStatus }) {
  const { data, error } = useQuery({
    // Anew whenever something has changed.
    queryKey: ['receipt', order.id, JSON.stringify(status)],
    queryFn: () => orderApi.receipt(order.id, order.secret),
    placeholderData: before => before,
  });
  return (
    <>
      <Problem error={error} />
      {data && <ReceiptView receipt={data} />}
    </>
  );
}
