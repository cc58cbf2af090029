import { createContext, useContext } from 'react';
import type { Api } from '../api.ts';

/** While someone is signed in: the key is in the memory of this page and nowhere else, and gone when it is left. */
export interface Session {
  readonly api: Api;
  readonly secureKey: string;
  /** Goes on with the secret that a rotation gave this key. */
  renewKey(secureKey: string): void;
  signOut(notice?: string): void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('This is shown to those who are signed in only.');
  return session;
}
