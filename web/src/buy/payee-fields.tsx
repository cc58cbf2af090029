import { useId } from 'react';
import type { Payee } from '../orders/order-api.ts';
import type { SignedIn } from '../session-api.ts';

/** Whether the credits are for a new Secure Key, for the account of one that there is, or for whoever is signed in. */
export function PayeeFields(props: {
  /** Null while nothing is chosen. */
  payee: Payee | null;
  signedIn: SignedIn | null | undefined;
  mistake: string | null;
  onChange: (payee: Payee) => void;
}) {
  const { payee, signedIn, mistake, onChange } = props;
  const choice = (kind: Payee['kind'], text: string, next: Payee) => (
    <label className="check">
      <input type="radio" name="payee" checked={payee?.kind === kind} onChange={() => onChange(next)} />
      {text}
    </label>
  );
  return (
    <>
      <fieldset>
        <legend>The credits are for</legend>
        {signedIn && choice('session', 'my account, where I am signed in', { kind: 'session' })}
        {choice('new_key', 'a new Secure Key', { kind: 'new_key' })}
        {choice('key', 'a key that I have: top it up', { kind: 'key', secureKey: '' })}
      </fieldset>
      {payee?.kind === 'new_key' && (
        <p className="quiet">
          There is no sign-up. Once you have paid you get a Secure Key: who has it can use the credits, so
          keep it as you would keep money. Lost the one you had?{' '}
          <a href="/recover">Recover it with a linked wallet</a>.
        </p>
      )}
      {payee?.kind === 'session' && signedIn && (
        <p className="quiet">
          They are added to account <code>{signedIn.account}</code>; your keys stay as they are.
        </p>
      )}
      {payee?.kind === 'key' && (
        <KeyField
          secureKey={payee.secureKey}
          mistake={mistake}
          onChange={secureKey => onChange({ kind: 'key', secureKey })}
        />
      )}
    </>
  );
}

/** It stays in the memory of this page. */
function KeyField(props: { secureKey: string; mistake: string | null; onChange: (text: string) => void }) {
  const { secureKey, mistake, onChange } = props;
  const id = useId();
  return (
    <>
      <label htmlFor={id}>Secure Key</label>
      <input
        id={id}
        type="password"
        autoComplete="off"
        spellCheck={false}
        value={secureKey}
        onChange={event => onChange(event.target.value)}
        aria-invalid={mistake !== null}
        aria-describedby={`${id}-mistake ${id}-hint`}
      />
      <p id={`${id}-mistake`} role="alert" className="problem">
        {mistake}
      </p>
      <p id={`${id}-hint`} className="quiet">
        It is only used to tell whose account this order is for, and kept nowhere. Any key of the account will
        do, and you keep it: there will be no new one.
      </p>
    </>
  );
}
