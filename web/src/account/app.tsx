import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';
import { ApiProblem, createApi } from '../api.ts';
import { AccountPage } from './account-page.tsx';
import { type Session, SessionContext } from './session.ts';
import { SignIn } from './sign-in.tsx';

export function App() {
  const [secureKey, setSecureKey] = useState<string | null>(null);
  const [notice, setNotice] = useState<string | null>(null);
  const signIn = (key: string) => {
    setNotice(null);
    setSecureKey(key);
  };
  const signOut = (why?: string) => {
    setNotice(why ?? 'You are signed out.');
    setSecureKey(null);
  };
  if (secureKey === null) return <SignIn notice={notice} onKey={signIn} />;
  return <SignedIn secureKey={secureKey} renewKey={setSecureKey} signOut={signOut} />;
}

/** What it was told is forgotten when it goes: the next person to sign in sees nothing of it. */
function SignedIn({ secureKey, renewKey, signOut }: Omit<Session, 'api'>) {
  const current = useRef(secureKey);
  const [client] = useState(() => {
    // The key may have been revoked meanwhile, by somebody else or by this very page. While it is rotated its old secret is
    // refused already and the new one is on its way: leaving then would lose it.
    const onError = (error: Error) => {
      if (!(error instanceof ApiProblem) || error.status !== 401) return;
      if (error.secureKey !== current.current || made.isMutating() > 0) return;
      signOut(`You were signed out. ${error.message}`);
    };
    const made: QueryClient = new QueryClient({
      queryCache: new QueryCache({ onError }),
      mutationCache: new MutationCache({ onError }),
      defaultOptions: {
        queries: {
          retry: (count, error) =>
            count < 3 && error instanceof ApiProblem && [0, 429, 502, 503, 504].includes(error.status),
        },
      },
    });
    return made;
  });
  const session = {
    secureKey,
    api: useMemo(() => createApi(secureKey), [secureKey]),
    renewKey: (key: string) => {
      current.current = key;
      renewKey(key);
    },
    signOut,
  };
  return (
    <SessionContext value={session}>
      <QueryClientProvider client={client}>
        <AccountPage />
      </QueryClientProvider>
    </SessionContext>
  );
}
