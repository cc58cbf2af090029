import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { ApiProblem, isWorthRepeating } from '../api.ts';
import { createSessionApi, currentSession, endSession, openSession, type SignedIn } from '../session-api.ts';
import { SiteHeader } from '../site-header.tsx';
import { AccountPage } from './account-page.tsx';
import { KeyDialog } from './key-dialog.tsx';
import { type Session, SessionContext } from './session.ts';
import { SignIn } from './sign-in.tsx';

/** Who is signed in, and the key where this page knows it. */
interface Held {
  readonly signedIn: SignedIn;
  readonly secureKey: string | null;
}

export function App() {
  const [held, setHeld] = useState<Held | null>(null);
  const [isAsking, setAsking] = useState(true);
  const [notice, setNotice] = useState<string | null>(null);
  const lookForSession = useCallback(async () => {
    try {
      const signedIn = await currentSession();
      setHeld(signedIn && { signedIn, secureKey: null });
    } catch (error) {
      setHeld(null);
      setNotice(error instanceof Error ? error.message : String(error));
    }
    setAsking(false);
  }, []);
  useEffect(() => void lookForSession(), [lookForSession]);
  const lookAgain = useCallback(() => {
    setAsking(true);
    void lookForSession();
  }, [lookForSession]);

  if (isAsking)
    return (
      <>
        <SiteHeader current="/account" />
        <main>
          <p className="quiet">Loading…</p>
        </main>
      </>
    );
  const onSignedIn = (signedIn: SignedIn, secureKey: string) => {
    setNotice(null);
    setHeld({ signedIn, secureKey });
  };
  if (held === null) return <SignIn notice={notice} onSignedIn={onSignedIn} />;
  const leave = (why: string) => {
    setNotice(why);
    setHeld(null);
  };
  const signOut = () => {
    leave('You are signed out.');
    endSession().catch((error: Error) =>
      setNotice(`This page is signed out, but the session could not be ended: ${error.message}`),
    );
  };
  return (
    <SignedInPage
      key={held.signedIn.account}
      held={held}
      hold={setHeld}
      leave={leave}
      signOut={signOut}
      lookAgain={lookAgain}
    />
  );
}

interface SignedInPageProps {
  readonly held: Held;
  readonly hold: (held: Held) => void;
  /** The session has ended. */
  readonly leave: (why: string) => void;
  readonly signOut: () => void;
  readonly lookAgain: () => void;
}

interface Asking {
  readonly answer: (secureKey: string) => void;
  readonly cancel: () => void;
}

/** What it was told is forgotten when it goes: the next person to sign in sees nothing of it. */
function SignedInPage({ held, hold, leave, signOut, lookAgain }: SignedInPageProps) {
  // What handlers look at is what holds when they run.
  const current = useRef(held);
  current.current = held;
  /** Who shows a secret that nobody has saved. */
  const keepers = useRef(new Set<string>());
  const [asking, setAsking] = useState<Asking | null>(null);
  const [client] = useState(() => makeClient(onRefused));

  /** Of one of several that were asked for at once; of an earlier session or key it says nothing any more. */
  function onRefused(error: ApiProblem): void {
    const { signedIn, secureKey } = current.current;
    if (error.secureKey === secureKey) hold({ signedIn, secureKey: null });
    if (error.secureKey !== nameOf(signedIn) || keepers.current.size > 0) return;
    leave(`You were signed out. ${error.message}`);
  }

  /** Not while a secret is shown or on its way: whoever asked is answered the same the next time. */
  const look = useCallback(() => {
    if (keepers.current.size === 0 && client.isMutating() === 0) lookAgain();
  }, [client, lookAgain]);

  const keyForChanges = useCallback(
    () =>
      current.current.secureKey === null
        ? new Promise<string>((answer, refuse) =>
            setAsking({
              answer,
              cancel: () => refuse(new Error('Nothing was changed: that takes your key.')),
            }),
          )
        : Promise.resolve(current.current.secureKey),
    [],
  );
  const enter = async (secureKey: string) => {
    const next = { signedIn: await openSession(secureKey), secureKey };
    current.current = next;
    hold(next);
    // What was asked meanwhile was refused.
    void client.invalidateQueries();
  };
  const { account } = held.signedIn;
  const name = nameOf(held.signedIn);
  const session: Session = {
    ...held,
    api: useMemo(
      () => createSessionApi({ name, account, keyForChanges, onOtherAccount: look }),
      [name, account, keyForChanges, look],
    ),
    async renewKey(secureKey) {
      current.current = { ...current.current, secureKey };
      hold(current.current);
      await enter(secureKey);
    },
    keepOpen: (keeper, isKept) => {
      if (isKept) keepers.current.add(keeper);
      else keepers.current.delete(keeper);
    },
    lookAgain: look,
    signOut,
  };
  return (
    <SessionContext value={session}>
      <QueryClientProvider client={client}>
        <AccountPage />
        {asking && (
          <KeyDialog
            account={account}
            onKey={async secureKey => {
              await enter(secureKey);
              asking.answer(secureKey);
              setAsking(null);
            }}
            onCancel={() => {
              asking.cancel();
              setAsking(null);
            }}
          />
        )}
      </QueryClientProvider>
    </SessionContext>
  );
}

/** Each rotation gives the same key another session. */
function nameOf({ number, last_four, created_at }: SignedIn): string {
  return `${number} ${last_four} ${created_at}`;
}

/**
 * @param onRefused Is told of every answer that says that session or key opens nothing, but while something is being
 * changed: while a key is rotated its old secret is refused already and the new one is on its way; leaving then would
 * lose it.
 */
function makeClient(onRefused: (error: ApiProblem) => void): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiProblem && error.status === 401 && made.isMutating() === 0) onRefused(error);
  };
  const made: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({
      onError: error => {
        if (error instanceof ApiProblem && error.status === 401) onRefused(error);
      },
    }),
    defaultOptions: {
      queries: {
        retry: isWorthRepeating,
      },
    },
  });
  return made;
}
