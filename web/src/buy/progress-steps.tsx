import type { Order, OrderStatus } from '../orders/order.ts';

const ETH_STEPS = ['Sent', 'Seen', 'Confirmed', 'Credited'] as const;
const CARD_STEPS = ['Payment page', 'Paid', 'Credited'] as const;

/** How far an order is. @param sent Whether the wallet said that it had sent the payment. */
export function ProgressSteps(props: { order: Order; status: OrderStatus; isSent: boolean }) {
  const { order, status, isSent } = props;
  const steps = order.method === 'eth' ? ETH_STEPS : CARD_STEPS;
  const done = stepsDone(status, isSent);
  return (
    <ol className="steps" aria-label="Progress">
      {steps.map((step, index) => (
        <li
          key={step}
          className={index < done ? 'done' : ''}
          aria-current={index === done ? 'step' : undefined}
        >
          {step}
          <span className="visually-hidden">{index < done ? ', done' : ', to come'}</span>
        </li>
      ))}
    </ol>
  );
}

/** How many steps are behind. */
function stepsDone({ progress }: OrderStatus, isSent: boolean): number {
  switch (progress) {
    case 'waiting':
      return isSent ? 1 : 0;
    case 'seen':
      return 2;
    case 'confirmed':
    case 'kept_back':
      return 3;
    case 'reorged':
      return 1;
    case 'processing':
      return 1;
    case 'failed':
    case 'returned':
      return 0;
    case 'credited':
      return 4;
  }
}
