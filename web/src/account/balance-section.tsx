import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Credits, KeyStatus } from '../../../client/src/account-types.ts';
import { microcreditsOf, shownAmount } from '../amounts.ts';
import { timeLeft } from '../instants.ts';
import { Asked, Section, Time } from '../parts.tsx';
import { REFRESH_MS } from './refresh.ts';
import { useSession } from './session.ts';

export function BalanceSection({ keyStatus }: { keyStatus: KeyStatus | undefined }) {
  const { api } = useSession();
  const query = useQuery({
    queryKey: ['credits'],
    queryFn: () => api.get<Credits>('/v1/credits'),
    refetchInterval: REFRESH_MS,
  });
  const credits = query.data;
  return (
    <Section title="Balance">
      <Asked query={query}>
        {credits && (
          <>
            <dl className="figures">
              <div className="main-figure">
                <dt>Available</dt>
                <dd data-testid="available">{shownAmount(credits.available)}</dd>
              </div>
              <div>
                <dt>Held</dt>
                <dd data-testid="held">{shownAmount(credits.held)}</dd>
              </div>
              <div>
                <dt>Used today with this key</dt>
                <dd data-testid="used-today">{keyStatus ? shownAmount(keyStatus.usage_daily) : '…'}</dd>
              </div>
              <div>
                <dt>Renews in</dt>
                <dd>
                  <Countdown key={query.dataUpdatedAt} credits={credits} fetchedAtMs={query.dataUpdatedAt} />
                </dd>
              </div>
            </dl>
            {microcreditsOf(credits.debt) > 0n && <Debt credits={credits} />}
            <NextExpiry credits={credits} />
            <div className="actions">
              <a href="/" className="button primary">
                Top up
              </a>
            </div>
          </>
        )}
      </Asked>
    </Section>
  );
}

/** A dollar buys so many, in millionths of a credit: a cent of it. */
const MICROCREDITS_A_CENT = 100_000_000n;

function Debt({ credits }: { credits: Credits }) {
  const cents = (microcreditsOf(credits.debt) + MICROCREDITS_A_CENT - 1n) / MICROCREDITS_A_CENT;
  const dollars = `$${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
  return (
    <div className="notice" role="note" aria-label="Debt">
      <p className="problem">
        <strong>{shownAmount(credits.debt)} credits are owed</strong>, since a payment was taken back after
        they had been spent (a refund, a dispute, or a transaction that its chain dropped). Nothing can be
        spent until they are settled.
      </p>
      <p>
        What to do: <a href="/">top up</a> by at least {dollars}. The next payment settles what is owed first,
        and what is left of it can be used at once. If the payment should not have been taken back, send the
        operator its lot and receipt from the list below.
      </p>
    </div>
  );
}

/** By the server's clock: what the computer believes does not matter. */
function Countdown({ credits, fetchedAtMs }: { credits: Credits; fetchedAtMs: number }) {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const ticking = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(ticking);
  }, []);
  if (credits.renews_at === null) return <>nothing renews</>;
  const serverNowMs = Date.parse(credits.at) + Math.max(0, nowMs - fetchedAtMs);
  return (
    <>
      <span role="timer">{timeLeft(Date.parse(credits.renews_at), serverNowMs)}</span>
      <small>
        <Time at={credits.renews_at} /> (00:00 UTC)
      </small>
    </>
  );
}

function NextExpiry({ credits }: { credits: Credits }) {
  const next = credits.lots.toSorted((a, b) => (a.expires_at < b.expires_at ? -1 : 1))[0];
  if (!next)
    return (
      <p>
        There are no live credits. <a href="/">Buy some</a>
      </p>
    );
  return (
    <p>
      Next to expire: lot {next.id}, with {shownAmount(next.available)} credits now, on{' '}
      <Time at={next.expires_at} />.
    </p>
  );
}
