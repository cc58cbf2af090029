import { useQuery } from '@tanstack/react-query';
import { Chart } from '../chart.tsx';
import { Asked, Section } from '../parts.tsx';
import type { Report } from './answers.ts';
import { useOperatorApi } from './operator.ts';
import { useOverview } from './use-overview.ts';

const DAYS = 30;

export function RevenueSection() {
  const api = useOperatorApi();
  // By the server's clock: what the computer believes does not matter.
  const today = useOverview().data?.at.slice(0, 10);
  const query = useQuery({
    queryKey: ['report', today],
    queryFn: () => api.get<Report>(`/v1/operator/report?from=${daysBefore(today ?? '', DAYS - 1)}`),
    enabled: today !== undefined,
  });
  return (
    <Section title="Revenue of the last 30 days (UTC)">
      <Asked query={query}>{query.data && <Charts report={query.data} />}</Asked>
    </Section>
  );
}

function Charts({ report: { days, ties } }: { report: Report }) {
  const loose = ties.filter(({ holds }) => !holds);
  return (
    <>
      <h3>Recognised by day</h3>
      <Chart
        label="Recognised revenue by day"
        unit="dollars"
        columns={['Day', 'Recognised ($)', 'Of it breakage ($)', 'Paid in ($)']}
        bars={days.map(day => ({
          name: day.day,
          amount: atLeastZero(day.recognised_usd),
          cells: [day.breakage_usd, day.paid_usd],
        }))}
        empty="Nothing was recognised."
      />
      <h3>Deferred at the end of each day</h3>
      <Chart
        label="Deferred revenue by day"
        unit="dollars"
        columns={['Day', 'Deferred ($)']}
        bars={days.map(day => ({ name: day.day, amount: atLeastZero(day.deferred_usd), cells: [] }))}
        empty="Nothing is deferred."
      />
      {loose.length === 0 ? (
        <p className="good">Every figure ties to the trial balance of the same instant.</p>
      ) : (
        loose.map(({ what, found, booked }) => (
          <p key={what} className="problem">
            {what}: {found}, but {booked} is booked.
          </p>
        ))
      )}
    </>
  );
}

/** A day on which more went back than was earned has no bar; the table says so. */
function atLeastZero(amount: string): string {
  return amount.startsWith('-') ? '0' : amount;
}

/** The day that is so many days before another, as YYYY-MM-DD. */
function daysBefore(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
}
