import { useId } from 'react';

const PRESETS = ['5', '10', '25', '100'] as const;

export function AmountField(props: {
  amount: string;
  mistake: string | null;
  onChange: (text: string) => void;
}) {
  const { amount, mistake, onChange } = props;
  const id = useId();
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be about the field that follows, too */}
      <div role="group" aria-label="Amounts to choose from" className="presets">
        {PRESETS.map(preset => (
          <button
            key={preset}
            type="button"
            aria-pressed={amount.trim() === preset}
            onClick={() => onChange(preset)}
          >
            ${preset}
          </button>
        ))}
      </div>
      <label htmlFor={id}>Amount in US dollars</label>
      <input
        id={id}
        inputMode="decimal"
        autoComplete="off"
        value={amount}
        onChange={event => onChange(event.target.value)}
        aria-invalid={mistake !== null}
        aria-describedby={`${id}-mistake`}
      />
      <p id={`${id}-mistake`} role="alert" className="problem">
        {mistake}
      </p>
    </>
  );
}
