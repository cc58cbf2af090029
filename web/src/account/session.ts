import { createContext, useContext } from 'react';
import type { Api } from '../api.ts';
import type { SignedIn } from '../session-api.ts';

/** While someone is signed in. */
export interface Session {
  /** Reads by the session; to change something it asks for the key when the page has none. */
  readonly api: Api;
  readonly signedIn: SignedIn;
  /** The key that one is signed in with, in the memory of this page and nowhere else: null once it was reloaded. */
  readonly secureKey: string | null;
  /** Goes on with the secret that a rotation gave this key. */
  renewKey(secureKey: string): Promise<void>;
  /** While any keeper shows a secret that nobody has saved, the page stays whatever becomes of the session. */
  keepOpen(keeper: string, isKept: boolean): void;
  /** Somebody signed in with another key in another tab: the page goes on with that one, unless it is kept open. */
  lookAgain(): void;
  signOut(): void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('This is shown to those who are signed in only.');
  return session;
}
