import { useMutation } from '@tanstack/react-query';
import { shownFigure } from '../amounts.ts';
import { Problem, Section, Table, Time } from '../parts.tsx';
import type { Reconciliation } from './answers.ts';
import { useOperatorApi } from './operator.ts';

const PARTS = { ledger: 'Ledger', chain: 'Chain', stripe: 'Stripe' } as const;

/** Only when asked for: it adds up the whole journal. */
export function ReconciliationSection() {
  const api = useOperatorApi();
  const asking = useMutation({
    mutationFn: () => api.get<Reconciliation>('/v1/operator/reconciliation'),
  });
  return (
    <Section title="Reconciliation">
      <p className="quiet">
        Ties the chain, Stripe and the ledger together at this instant. <code>npx credits reconcile</code>{' '}
        writes the same as a file, and waits for what does not answer in time here.
      </p>
      <div className="actions">
        <button type="button" className="primary" onClick={() => asking.mutate()} disabled={asking.isPending}>
          {asking.isPending ? 'Reconciling…' : 'Reconcile now'}
        </button>
      </div>
      <Problem error={asking.error} />
      {asking.data && <Outcome reconciliation={asking.data} />}
    </Section>
  );
}

function Outcome({ reconciliation }: { reconciliation: Reconciliation }) {
  const { at, differences } = reconciliation;
  return (
    <>
      <p role="status" className={differences.length === 0 ? 'good' : 'problem'}>
        {differences.length === 0 ? 'No difference' : `${differences.length} to look at`} at <Time at={at} />.
      </p>
      {differences.length > 0 && (
        <Table label="Differences" columns={['Where', 'What', 'Expected', 'Found', 'Likely cause']}>
          {differences.map((difference, index) => (
            <tr key={index}>
              <th scope="row">
                {PARTS[difference.part as keyof typeof PARTS]}{' '}
                <code>{difference.receipt ?? difference.entry ?? difference.kind}</code>
              </th>
              <td>{difference.what}</td>
              <td>{difference.expected}</td>
              <td>{difference.found}</td>
              <td>{difference.cause}</td>
            </tr>
          ))}
        </Table>
      )}
      {(Object.keys(PARTS) as (keyof typeof PARTS)[]).map(name => (
        <PartFigures key={name} title={PARTS[name]} part={reconciliation[name]} />
      ))}
    </>
  );
}

function PartFigures({ title, part }: { title: string; part: Reconciliation['ledger'] }) {
  return (
    <article>
      <h3>
        {title}: {part.status === 'compared' ? 'compared' : 'not compared'}
      </h3>
      {part.why !== null && <p>{part.why}</p>}
      {part.figures.length > 0 && (
        <Table label={`${title}, figures`} columns={['Figure', 'Value', 'Obtained by']}>
          {part.figures.map(({ what, unit, value, how }) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              <td>{shownFigure(value, unit)}</td>
              <td className="quiet">{how}</td>
            </tr>
          ))}
        </Table>
      )}
    </article>
  );
}
