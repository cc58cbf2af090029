import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { orderApi, type PaymentStanding } from '../orders/order-api.ts';
import { TransactionLink } from '../orders/transaction-link.tsx';
import { Problem, Section } from '../parts.tsx';
import { Help } from './help.tsx';

const HASH = /^0x[0-9a-fA-F]{64}$/;

/** Where credits are that have not arrived, by the hash of the transaction. @param known That of this order, if there is one. */
export function FindPayment({ known }: { known: string | null }) {
  const [hash, setHash] = useState(known ?? '');
  const [mistake, setMistake] = useState<string | null>(null);
  const id = useId();
  const looking = useMutation({ mutationFn: (transaction: string) => orderApi.payment(transaction) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = mistakeInHash(hash.trim());
    setMistake(found);
    if (found === null) looking.mutate(hash.trim().toLowerCase());
  };
  return (
    <Section title="Credits have not arrived?">
      <p>
        A card payment shows on your order above. For a payment in ETH, paste its transaction hash: your
        wallet shows it under activity.
      </p>
      <form onSubmit={submit} noValidate className="row">
        <label htmlFor={id} className="wide">
          Transaction hash
          <input
            id={id}
            autoComplete="off"
            spellCheck={false}
            placeholder="0x…"
            value={hash}
            onChange={event => setHash(event.target.value)}
            aria-invalid={mistake !== null}
            aria-describedby={`${id}-mistake`}
          />
        </label>
        <button type="submit" disabled={looking.isPending}>
          Look it up
        </button>
      </form>
      <p id={`${id}-mistake`} role="alert" className="problem">
        {mistake}
      </p>
      <Problem error={looking.error} />
      <div role="status">{looking.data && <Found found={looking.data} />}</div>
      <Help title="What to check in the wallet">
        <ul>
          <li>The network is Base. What was sent on another network does not come here.</li>
          <li>
            The address that was paid is the one that the order shows, and what was sent is ETH, no token.
          </li>
          <li>
            The transaction went through: a pending one may need a higher fee, a failed one must be sent
            again.
          </li>
          <li>
            The data (or the exact amount, for a QR code) is as the order shows it: it tells whose payment it
            is.
          </li>
        </ul>
      </Help>
    </Section>
  );
}

function mistakeInHash(text: string): string | null {
  if (text === '') return 'Paste the hash of the transaction.';
  if (/^0x[0-9a-fA-F]{40}$/.test(text))
    return 'This is an address: the hash of a transaction is longer, 0x and 64 characters.';
  if (!HASH.test(text))
    return 'A transaction hash is 0x and 64 characters from 0 to 9 and a to f: copy it whole.';
  return null;
}

/** The headline of each. */
const TITLES: Readonly<Record<string, string>> = {
  unknown: 'Not found',
  seen: 'Seen',
  failed: 'Failed',
  unread: 'Confirmed, not looked through yet',
  elsewhere: 'Not to our address',
  confirmed: 'Confirmed',
  price_pending: 'Waiting for a price',
  credited: 'Credited',
  in_suspense: 'In suspense',
  reorged: 'Taken back by the network',
  worth_nothing: 'Too little to credit',
};

function Found({ found }: { found: PaymentStanding }) {
  return (
    <div className="found">
      <h3>{TITLES[found.standing] ?? found.standing}</h3>
      <p>{found.detail}</p>
      <p>
        <strong>What to do:</strong> {found.advice}
      </p>
      <dl className="facts">
        <dt>Transaction</dt>
        <dd>
          <TransactionLink hash={found.transaction} isDevelopment={found.explorer_url === null} />
        </dd>
        {found.block !== null && (
          <>
            <dt>Block</dt>
            <dd>
              {found.block}
              {found.confirmations !== null && `, ${found.confirmations} confirmations`}
              {found.finality !== null && `, ${FINALITY[found.finality]}`}
            </dd>
          </>
        )}
        {found.payments.map((payment, index) => (
          <FoundPayment key={index} payment={payment} />
        ))}
        <dt>Payments go to</dt>
        <dd>
          <code>{found.payment_address}</code>
        </dd>
      </dl>
    </div>
  );
}

export const FINALITY = {
  latest: 'which the network could still replace',
  safe: 'which is safe',
  finalized: 'which is final',
} as const;

function FoundPayment({ payment }: { payment: PaymentStanding['payments'][number] }) {
  return (
    <>
      <dt>Paid to us</dt>
      <dd>
        {payment.amount_eth === null ? 'nothing any more' : `${payment.amount_eth} ETH`}:{' '}
        {(TITLES[payment.standing] ?? payment.standing).toLowerCase()}
      </dd>
    </>
  );
}
