import { useQuery } from '@tanstack/react-query';
import type { UsageSummary } from '../../../client/src/account-types.ts';
import { type Bar, Chart } from '../chart.tsx';
import { daysBetween } from '../instants.ts';
import { Asked, Section } from '../parts.tsx';
import { useSession } from './session.ts';

export function UsageSection() {
  const byDay = useUsage('day');
  const byModel = useUsage('model');
  return (
    <Section title="Usage of the last 30 days">
      <h3>By day (UTC)</h3>
      <Asked query={byDay}>
        {byDay.data && <UsageChart label="Usage by day" first="Day" bars={barsOfDays(byDay.data)} />}
      </Asked>
      <h3>By model</h3>
      <Asked query={byModel}>
        {byModel.data && (
          <UsageChart label="Usage by model" first="Model" bars={barsOfModels(byModel.data)} />
        )}
      </Asked>
    </Section>
  );
}

function useUsage(grouping: 'day' | 'model') {
  const { api } = useSession();
  return useQuery({
    queryKey: ['usage', grouping],
    queryFn: () => api.get<UsageSummary>(`/v1/usage?group_by=${grouping}`),
    refetchInterval: 30_000,
  });
}

/** A day without usage is a bar too. */
function barsOfDays({ from, to, usage }: UsageSummary): Bar[] {
  const used = new Map(usage.map(row => [row.group, row]));
  return daysBetween(from, to).map(name => ({
    name,
    amount: used.get(name)?.credits ?? '0',
    cells: [String(used.get(name)?.count ?? 0)],
  }));
}

function barsOfModels({ usage }: UsageSummary): Bar[] {
  return usage.map(({ group, credits, count }) => ({
    name: group ?? 'not told',
    amount: credits,
    cells: [String(count)],
  }));
}

function UsageChart({ label, first, bars }: { label: string; first: string; bars: readonly Bar[] }) {
  return (
    <Chart
      label={label}
      unit="credits"
      columns={[first, 'Credits', 'Debits']}
      bars={bars}
      empty="Nothing was used."
    />
  );
}
