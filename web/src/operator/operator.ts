import { createContext, useContext } from 'react';
import type { Api } from '../api.ts';

/** The API with the token of the operator who is signed in: it is in the memory of this page and nowhere else. */
export const OperatorContext = createContext<Api | null>(null);

export function useOperatorApi(): Api {
  const api = useContext(OperatorContext);
  if (api === null) throw new Error('This is shown to operators only.');
  return api;
}

/** How often what changes by itself is asked for again. */
export const REFRESH_MS = 10_000;
