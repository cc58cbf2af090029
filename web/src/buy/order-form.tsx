import { type UseQueryResult, useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import type { Payee, Wanted } from '../orders/order-api.ts';
import type { PageSettings } from '../orders/settings.ts';
import type { StoredOrder } from '../orders/stored-order.ts';
import { Problem, Section } from '../parts.tsx';
import { mistakeIn } from '../secure-key.ts';
import type { SignedIn } from '../session-api.ts';
import { mistakeInAmount, mistakeInCardAmount } from './amount.ts';
import { AmountField } from './amount-field.tsx';
import { Help } from './help.tsx';
import { useSignedIn } from './page-queries.ts';
import { PayeeFields } from './payee-fields.tsx';
import { WhatYouGet } from './what-you-get.tsx';

const AMOUNT = 'amount';

/** What is wanted, what it brings, for whom, and how it is paid. */
export function OrderForm(props: {
  settings: UseQueryResult<PageSettings>;
  onOrder: (wanted: Wanted, payee: Payee) => Promise<StoredOrder>;
}) {
  const { settings, onOrder } = props;
  const [amount, setAmount] = useState(() => sessionStorage.getItem(AMOUNT) ?? '10');
  const signedIn = useSignedIn();
  const [chosen, setChosen] = useState<Payee | null>(null);
  const payee = payeeOf(chosen, signedIn);
  const [mistakes, setMistakes] = useState<{ amount: string | null; key: string | null }>(NO_MISTAKES);
  const ordering = useMutation({
    mutationFn: (asked: { wanted: Wanted; payee: Payee }) => onOrder(asked.wanted, asked.payee),
    onSuccess: order => {
      if (order.method === 'card' && order.checkout) location.assign(order.checkout.url);
    },
  });
  const methods = settings.data?.methods ?? [];

  const change = (text: string) => {
    setAmount(text);
    sessionStorage.setItem(AMOUNT, text);
    setMistakes(({ key }) => ({ key, amount: text.trim() === '' ? null : mistakeInAmount(text.trim()) }));
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (ordering.isPending || payee === null) return;
    const { submitter } = event.nativeEvent as SubmitEvent;
    // By the Enter key, too: the browser then takes the first button.
    const method = submitter?.getAttribute('value') === 'card' ? 'card' : 'eth';
    const text = amount.trim();
    const found = {
      amount: method === 'card' ? mistakeInCardAmount(text) : mistakeInAmount(text),
      key: payee.kind === 'key' ? mistakeIn(payee.secureKey.trim()) : null,
    };
    setMistakes(found);
    if (found.amount === null && found.key === null)
      ordering.mutate({ wanted: { amount_usd: text, method }, payee: trimmed(payee) });
  };

  return (
    <form onSubmit={submit} noValidate className="order-form">
      <Section title="1. How much">
        <AmountField amount={amount} mistake={mistakes.amount} onChange={change} />
        <WhatYouGet
          amount={mistakeInAmount(amount.trim()) === null ? amount.trim() : null}
          methods={methods}
        />
      </Section>
      <Section title="2. For whom">
        <PayeeFields
          payee={payee}
          signedIn={signedIn}
          mistake={mistakes.key}
          onChange={next => {
            setChosen(next);
            setMistakes(({ amount: kept }) => ({ amount: kept, key: null }));
          }}
        />
      </Section>
      <Section title="3. Pay">
        <Problem error={settings.error} />
        <PayButtons methods={methods} isOrdering={ordering.isPending} isReady={payee !== null} />
        <Problem error={ordering.error} />
        <Help title="What happens next?">
          <p>
            <strong>By card</strong> you pay on a page of Stripe, which brings you back here. Your card’s
            number never comes to us. It takes seconds; a bank debit takes days.
          </p>
          <p>
            <strong>With crypto</strong> you send ETH on the Base network from a wallet of your own. The price
            is held for ten minutes. You see each step here: sent, seen, confirmed, credited.
          </p>
          <p>
            Nothing is paid by pressing a button here: you confirm the payment on Stripe’s page or in your
            wallet. You can reload this page at any time; it goes on where it was as long as you keep this
            tab.
          </p>
        </Help>
      </Section>
    </form>
  );
}

const NO_MISTAKES = { amount: null, key: null };

/**
 * What was chosen. Before that, who is signed in most likely wants more for that account; null while that is not known, or
 * where a session that was chosen has ended: what shows as chosen never turns into something else under the buyer's hand.
 */
function payeeOf(chosen: Payee | null, signedIn: SignedIn | null | undefined): Payee | null {
  if (chosen !== null) return chosen.kind === 'session' && !signedIn ? null : chosen;
  if (signedIn === undefined) return null;
  return { kind: signedIn === null ? 'new_key' : 'session' };
}

function trimmed(payee: Payee): Payee {
  return payee.kind === 'key' ? { ...payee, secureKey: payee.secureKey.trim() } : payee;
}

function PayButtons(props: {
  methods: PageSettings['methods'];
  isOrdering: boolean;
  /** It is chosen for whom the credits are. */
  isReady: boolean;
}) {
  const { methods, isOrdering, isReady } = props;
  const isDisabled = isOrdering || !isReady;
  const id = useId();
  return (
    <>
      <div className="actions pay-buttons">
        {methods.includes('card') && (
          <button type="submit" value="card" className="primary" disabled={isDisabled}>
            Pay with Card
          </button>
        )}
        {methods.includes('eth') && (
          <button
            type="submit"
            value="eth"
            className={methods.includes('card') ? '' : 'primary'}
            disabled={isDisabled}
            aria-describedby={id}
          >
            Pay with Crypto
          </button>
        )}
      </div>
      <p id={id} className="quiet">
        {isOrdering
          ? 'Making your order…'
          : methods.includes('eth')
            ? 'Crypto is ETH on the Base network.'
            : ''}
      </p>
    </>
  );
}
