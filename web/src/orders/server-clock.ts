/** The clock that quotes and renews: the server's, as far as it has told. What the computer believes matters until then. */
import { useEffect, useState } from 'react';

let aheadMs = 0;

/** The server has just said that it is `instant` there. */
export function noteServerTime(instant: string): void {
  aheadMs = Date.parse(instant) - Date.now();
}

export function serverNowMs(): number {
  return Date.now() + aheadMs;
}

/** That time, every second anew. */
export function useServerNowMs(): number {
  const [nowMs, setNowMs] = useState(serverNowMs);
  useEffect(() => {
    const ticking = setInterval(() => setNowMs(serverNowMs()), 1000);
    return () => clearInterval(ticking);
  }, []);
  return nowMs;
}
