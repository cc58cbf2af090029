import { useId } from 'react';

export interface Target {
  readonly kind: 'new_key' | 'key';
  /** As it was typed in; it stays in the memory of this page. */
  readonly secureKey: string;
}

/** Whether the credits are for a new Secure Key or for the account of one that there is. */
export function TargetFields(props: {
  target: Target;
  mistake: string | null;
  onChange: (target: Target) => void;
}) {
  const { target, mistake, onChange } = props;
  const id = useId();
  const choice = (kind: Target['kind'], text: string) => (
    <label className="check">
      <input
        type="radio"
        name="target"
        checked={target.kind === kind}
        onChange={() => onChange({ ...target, kind })}
      />
      {text}
    </label>
  );
  return (
    <>
      <fieldset>
        <legend>The credits are for</legend>
        {choice('new_key', 'a new Secure Key')}
        {choice('key', 'a key that I have: top it up')}
      </fieldset>
      {target.kind === 'new_key' ? (
        <p className="quiet">
          There is no sign-up. Once you have paid you get a Secure Key: who has it can use the credits, so
          keep it as you would keep money.
        </p>
      ) : (
        <>
          <label htmlFor={id}>Secure Key</label>
          <input
            id={id}
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={target.secureKey}
            onChange={event => onChange({ ...target, secureKey: event.target.value })}
            aria-invalid={mistake !== null}
            aria-describedby={`${id}-mistake ${id}-hint`}
          />
          <p id={`${id}-mistake`} role="alert" className="problem">
            {mistake}
          </p>
          <p id={`${id}-hint`} className="quiet">
            It is only used to tell whose account this order is for, and kept nowhere. Any key of the account
            will do, and you keep it: there will be no new one.
          </p>
        </>
      )}
    </>
  );
}
