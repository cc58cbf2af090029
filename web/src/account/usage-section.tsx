import { useQuery } from '@tanstack/react-query';
import type { UsageSummary } from '../../../client/src/account-types.ts';
import { barLength, microcreditsOf, shownAmount } from '../amounts.ts';
import { daysBetween } from '../instants.ts';
import { Asked, Section, Table } from '../parts.tsx';
import { useSession } from './session.ts';

interface Bar {
  readonly name: string;
  readonly credits: string;
  readonly count: number;
}

export function UsageSection() {
  const byDay = useUsage('day');
  const byModel = useUsage('model');
  return (
    <Section title="Usage of the last 30 days">
      <h3>By day (UTC)</h3>
      <Asked query={byDay}>
        {byDay.data && <Chart label="Usage by day" first="Day" bars={barsOfDays(byDay.data)} />}
      </Asked>
      <h3>By model</h3>
      <Asked query={byModel}>
        {byModel.data && <Chart label="Usage by model" first="Model" bars={barsOfModels(byModel.data)} />}
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
    credits: used.get(name)?.credits ?? '0',
    count: used.get(name)?.count ?? 0,
  }));
}

function barsOfModels({ usage }: UsageSummary): Bar[] {
  return usage.map(({ group, credits, count }) => ({ name: group ?? 'not told', credits, count }));
}

const WIDTH = 600;
const HEIGHT = 140;
/** So that one bar alone is no wall. */
const BAR_WIDTH_MAX = 60;

/** Bars, and the same in figures for whoever wants or needs them. */
function Chart({ label, first, bars }: { label: string; first: string; bars: readonly Bar[] }) {
  const used = bars.filter(bar => bar.count > 0 || bar.credits !== '0');
  if (used.length === 0) return <p className="quiet">Nothing was used.</p>;
  const most = used.map(bar => microcreditsOf(bar.credits)).reduce(larger);
  const step = Math.min(WIDTH / bars.length, BAR_WIDTH_MAX);
  return (
    <div className="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${label}: the table says the same`}>
        <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {bars.map(({ name, credits }, index) => {
          const height = barLength(credits, most, HEIGHT - 4);
          return (
            <rect
              key={name}
              x={index * step + 1}
              y={HEIGHT - height}
              width={Math.max(step - 2, 1)}
              height={height}
              rx="2"
            >
              <title>{`${name}: ${shownAmount(credits)} credits`}</title>
            </rect>
          );
        })}
      </svg>
      <Table label={`${label}, in figures`} columns={[first, 'Credits', 'Debits']}>
        {used.map(({ name, credits, count }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{shownAmount(credits)}</td>
            <td>{count}</td>
          </tr>
        ))}
      </Table>
    </div>
  );
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
