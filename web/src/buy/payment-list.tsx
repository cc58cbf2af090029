import { ethText, shownAmount } from '../amounts.ts';
import type { EthPayment, OrderStatus } from '../orders/order.ts';
import { TransactionLink } from '../orders/transaction-link.tsx';
import { FINALITY } from './find-payment.tsx';
import { CardLine } from './receipt-view.tsx';

/** What has arrived of an order, or is on its way. */
export function PaymentList(props: { status: OrderStatus; sent: string | null; isDevelopment: boolean }) {
  const { status, sent, isDevelopment } = props;
  const { payments } = status;
  const underWay = status.seen_transaction ?? sent;
  const isListed = payments.some(payment => 'transaction' in payment && payment.transaction === underWay);
  return (
    <ul className="payments">
      {underWay !== null && !isListed && (
        <li>
          On its way: <TransactionLink hash={underWay} isDevelopment={isDevelopment} />
        </li>
      )}
      {payments.map(payment => (
        <li key={payment.receipt}>
          {'transaction' in payment ? (
            <EthPaymentLine payment={payment} isDevelopment={isDevelopment} />
          ) : (
            <CardLine payment={payment} />
          )}
        </li>
      ))}
    </ul>
  );
}

function EthPaymentLine({ payment, isDevelopment }: { payment: EthPayment; isDevelopment: boolean }) {
  return (
    <>
      {ethText(payment.amount_wei)} ETH,{' '}
      {payment.reorged ? (
        'in no block any more'
      ) : (
        <>
          in block {payment.block}, {FINALITY[payment.finality]}
        </>
      )}
      : <TransactionLink hash={payment.transaction} isDevelopment={isDevelopment} />.{' '}
      {payment.credited ? `Credited as ${shownAmount(payment.credits ?? '0')} credits` : 'Not credited'}
      {payment.amount_usd !== null && ` ($${shownAmount(payment.amount_usd)})`}.
      {payment.kept_back !== null && ` ${payment.kept_back.detail}`}
    </>
  );
}
