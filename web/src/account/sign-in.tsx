import { type FormEvent, useState } from 'react';
import type { KeyStatus } from '../../../client/src/account-types.ts';
import { createApi } from '../api.ts';
import { mistakeIn } from '../secure-key.ts';

/** Takes a Secure Key that the API knows; a typo is told before anything is asked. */
export function SignIn({ notice, onKey }: { notice: string | null; onKey: (secureKey: string) => void }) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const key = text.trim();
    const mistake = mistakeIn(key);
    setProblem(mistake);
    if (mistake !== null) return;
    setAsking(true);
    try {
      await createApi(key).get<KeyStatus>('/v1/key');
      onKey(key);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setAsking(false);
    }
  };
  return (
    <main className="sign-in">
      <h1>Your credits</h1>
      <form onSubmit={event => void submit(event)} className="card" noValidate>
        <label htmlFor="secure-key">Secure Key</label>
        <input
          id="secure-key"
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          value={text}
          onChange={event => setText(event.target.value)}
          aria-invalid={problem !== null}
          aria-describedby="secure-key-problem secure-key-hint"
        />
        <p id="secure-key-problem" role="alert" className="problem">
          {problem}
        </p>
        <p id="secure-key-hint" className="quiet">
          It stays in the memory of this page: leaving or reloading the page signs you out.
        </p>
        <button type="submit" className="primary" disabled={isAsking}>
          {isAsking ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <p role="status">{notice}</p>
      <p>
        No key yet? <a href="/">Buy credits</a>
      </p>
    </main>
  );
}
