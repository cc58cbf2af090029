import { useCallback, useEffect, useRef, useState } from 'react';
import { mistakeIn } from './wallet-mistake.ts';

/** After this a wallet that does not answer is spoken of. */
const SLOW_MS = 15_000;

export interface Asking {
  readonly isAsking: boolean;
  /** It has not answered for a while. */
  readonly isSlow: boolean;
  /** What happened and what to do; null while there is nothing to say. */
  readonly mistake: string | null;
  /** Runs `ask`, whose failure is shown. One at a time: nothing is asked twice by a double click. */
  run(ask: () => Promise<void>): void;
  /** Stops waiting for the answer, which counts nevertheless when it comes. */
  leave(): void;
}

/** Something that a wallet is asked for, and what it says to that. */
export function useAsking(): Asking {
  const [state, setState] = useState<{ name: 'idle' | 'asking' | 'slow'; mistake: string | null }>({
    name: 'idle',
    mistake: null,
  });
  const current = useRef(0);
  const isBusy = useRef(false);
  useEffect(() => {
    if (state.name !== 'asking') return;
    const timer = setTimeout(
      () => setState(now => (now.name === 'asking' ? { ...now, name: 'slow' } : now)),
      SLOW_MS,
    );
    return () => clearTimeout(timer);
  }, [state.name]);
  const run = useCallback((ask: () => Promise<void>) => {
    if (isBusy.current) return;
    isBusy.current = true;
    current.current += 1;
    const turn = current.current;
    setState({ name: 'asking', mistake: null });
    const end = (mistake: string | null) => {
      if (turn !== current.current) return;
      isBusy.current = false;
      setState({ name: 'idle', mistake });
    };
    ask().then(
      () => end(null),
      error => end(mistakeIn(error)),
    );
  }, []);
  const leave = useCallback(() => {
    current.current += 1;
    isBusy.current = false;
    setState({ name: 'idle', mistake: null });
  }, []);
  return {
    isAsking: state.name !== 'idle',
    isSlow: state.name === 'slow',
    mistake: state.mistake,
    run,
    leave,
  };
}
