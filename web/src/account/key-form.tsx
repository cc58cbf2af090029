import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { mistakeIn } from '../secure-key.ts';

/** Takes a Secure Key; a typo is told before anything is asked. `onKey` throws an Error that says why the key does not do. */
export function KeyForm(props: {
  className?: string;
  verb: string;
  hint: ReactNode;
  onKey: (secureKey: string) => Promise<void>;
  children?: ReactNode;
}) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const id = useId();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const key = text.trim();
    const mistake = mistakeIn(key);
    setProblem(mistake);
    if (mistake !== null) return;
    setAsking(true);
    try {
      await props.onKey(key);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setAsking(false);
    }
  };
  return (
    <form onSubmit={event => void submit(event)} className={props.className} noValidate>
      <label htmlFor={`${id}key`}>Secure Key</label>
      <input
        id={`${id}key`}
        type="password"
        autoComplete="current-password"
        spellCheck={false}
        value={text}
        onChange={event => setText(event.target.value)}
        aria-invalid={problem !== null}
        aria-describedby={`${id}problem ${id}hint`}
      />
      <p id={`${id}problem`} role="alert" className="problem">
        {problem}
      </p>
      <p id={`${id}hint`} className="quiet">
        {props.hint}
      </p>
      <div className="actions">
        <button type="submit" className="primary" disabled={isAsking}>
          {isAsking ? 'Checking…' : props.verb}
        </button>
        {props.children}
      </div>
    </form>
  );
}
