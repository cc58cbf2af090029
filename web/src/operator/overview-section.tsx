import type { ReactNode } from 'react';
import { shownAmount } from '../amounts.ts';
import { shownSpan } from '../instants.ts';
import { Asked, Section, Time } from '../parts.tsx';
import type { Overview } from './answers.ts';
import { REFRESH_MS } from './operator.ts';
import { useOverview } from './use-overview.ts';

/** Beyond these something does not keep up: blocks come every two seconds, the sweep at midnight, a seal each day. */
const INDEXER_LAG_SECONDS_MAX = 60;
const SWEEP_LAG_SECONDS_MAX = 3600;
const SEAL_AGE_SECONDS_MAX = 26 * 3600;

export function OverviewSection() {
  const query = useOverview();
  return (
    <Section title="Overview">
      <Asked query={query}>{query.data && <Figures overview={query.data} />}</Asked>
    </Section>
  );
}

function Figures({ overview }: { overview: Overview }) {
  const { indexer_lag_seconds: indexer, indexer_lag_blocks: blocks, seal_age_seconds: seal } = overview;
  return (
    <>
      <dl className="figures">
        <Figure name="Alarms" isBad={overview.alarms > 0}>
          {overview.alarms}
        </Figure>
        <Figure name="In suspense" isBad={overview.suspense.receipts > 0}>
          {overview.suspense.receipts} <small>{overview.suspense.amount_eth} ETH</small>
        </Figure>
        <Figure name="Owed by customers" isBad={overview.debt !== '0'}>
          {shownAmount(overview.debt)} <small>credits</small>
        </Figure>
        <Figure name="Indexer behind" isBad={indexer === null || indexer > INDEXER_LAG_SECONDS_MAX}>
          {indexer === null ? 'no block yet' : shownSpan(indexer)}
          {blocks !== null && <small>{blocks} blocks</small>}
        </Figure>
        <Figure name="Midnight sweep behind" isBad={overview.sweep_lag_seconds > SWEEP_LAG_SECONDS_MAX}>
          {overview.sweep_lag_seconds === 0 ? 'nothing' : shownSpan(overview.sweep_lag_seconds)}
        </Figure>
        <Figure name="Newest seal" isBad={seal !== null && seal > SEAL_AGE_SECONDS_MAX}>
          {seal === null ? 'none yet' : `${shownSpan(seal)} ago`}
        </Figure>
      </dl>
      <p className="quiet">
        As of <Time at={overview.at} />, asked for again every {REFRESH_MS / 1000} seconds.
      </p>
    </>
  );
}

/** What needs a look says so in words too, for whoever sees no colours. */
function Figure({ name, isBad, children }: { name: string; isBad: boolean; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={isBad ? 'problem' : undefined}>
        {children}
        {isBad && <small>needs a look</small>}
      </dd>
    </div>
  );
}
