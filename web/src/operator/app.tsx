import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type FormEvent, useMemo, useState } from 'react';
import { createApi, isWorthRepeating } from '../api.ts';
import { SiteHeader } from '../site-header.tsx';
import { OperatorContext } from './operator.ts';
import { OperatorPage } from './operator-page.tsx';

export function App() {
  const [token, setToken] = useState<string | null>(null);
  if (token === null) return <SignIn onToken={setToken} />;
  return <SignedIn token={token} signOut={() => setToken(null)} />;
}

/** What it was told is forgotten when it goes. */
function SignedIn({ token, signOut }: { token: string; signOut: () => void }) {
  const api = useMemo(() => createApi(token), [token]);
  const [client] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          queries: {
            retry: isWorthRepeating,
          },
        },
      }),
  );
  return (
    <OperatorContext value={api}>
      <QueryClientProvider client={client}>
        <OperatorPage signOut={signOut} />
      </QueryClientProvider>
    </OperatorContext>
  );
}

function SignIn({ onToken }: { onToken: (token: string) => void }) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const token = text.trim();
    if (token === '') {
      setProblem('Enter an operator token: `npx credits token operator <name>` makes one.');
      return;
    }
    setAsking(true);
    try {
      await createApi(token).get('/v1/operator/alarms');
      onToken(token);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setAsking(false);
    }
  };
  return (
    <>
      <SiteHeader />
      <main className="sign-in">
        <h1>Operators</h1>
        <form onSubmit={event => void submit(event)} className="card" noValidate>
          <label htmlFor="token">Operator token</label>
          <input
            id="token"
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={event => setText(event.target.value)}
            aria-invalid={problem !== null}
            aria-describedby="token-problem token-hint"
          />
          <p id="token-problem" role="alert" className="problem">
            {problem}
          </p>
          <p id="token-hint" className="quiet">
            It stays in the memory of this page: leaving or reloading the page signs you out.
          </p>
          <button type="submit" className="primary" disabled={isAsking}>
            {isAsking ? 'Signing in…' : 'Sign in'}
          </button>
        </form>
      </main>
    </>
  );
}
