import { ethText, shownAmount } from '../amounts.ts';
import type { CardPayment, EthPayment } from '../orders/order.ts';
import type { Receipt } from '../orders/order-api.ts';
import { Time } from '../parts.tsx';

/** Each payment of an order, the lots that came of it, and what is left of them. */
export function ReceiptView({ receipt }: { receipt: Receipt }) {
  return (
    <section className="receipt" aria-label="Receipt">
      <h3>Receipt</h3>
      <p>
        Order <code>{receipt.order}</code>. Left of it:{' '}
        <strong data-testid="receipt-remaining">{shownAmount(receipt.remaining)}</strong> credits.
      </p>
      {receipt.payments.length === 0 && <p>There is no payment of it yet.</p>}
      <ul>
        {receipt.payments.map(payment => (
          <li key={payment.receipt}>
            {'transaction' in payment ? <EthLine payment={payment} /> : <CardLine payment={payment} />}
            <ul>
              {payment.lots.map(lot => (
                <li key={lot.id}>
                  Lot {lot.id} of <Time at={lot.added_at} />: {shownAmount(lot.available)} of{' '}
                  {shownAmount(lot.face)} credits left,{' '}
                  {lot.live ? (
                    <>
                      renewed {lot.renewals_left} times more, until <Time at={lot.expires_at} />
                    </>
                  ) : (
                    'over'
                  )}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}

function EthLine({ payment }: { payment: EthPayment }) {
  return (
    <>
      {ethText(payment.amount_wei)} ETH in block {payment.block}
      {payment.amount_usd === null ? '' : `, $${shownAmount(payment.amount_usd)}`}: {creditedText(payment)}
    </>
  );
}

export function CardLine({ payment }: { payment: CardPayment }) {
  const { refunded_usd: refunded, disputed_usd: disputed, receipt_url: url } = payment;
  return (
    <>
      ${shownAmount(payment.amount_usd)} by card, {payment.status}: {creditedText(payment)}
      {Number(refunded) > 0 && `, $${shownAmount(refunded)} refunded`}
      {Number(disputed) > 0 && `, $${shownAmount(disputed)} disputed`}{' '}
      {isHttpUrl(url) && (
        <a href={url} target="_blank" rel="noopener noreferrer">
          Receipt by Stripe
        </a>
      )}
    </>
  );
}

function creditedText({ credited, credits }: { credited: boolean; credits: string | null }): string {
  return credited ? `credited as ${shownAmount(credits ?? '0')} credits` : 'not credited';
}

/** Nothing else becomes a link. */
function isHttpUrl(text: string | null): text is string {
  return text !== null && /^https?:\/\//.test(text);
}
