import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import type { Transaction } from '../../../client/src/account-types.ts';
import { shownAmount } from '../amounts.ts';
import { csvOf } from '../csv.ts';
import { download } from '../download.ts';
import { Asked, Problem, Section, Table, Time } from '../parts.tsx';
import { all } from './pages.ts';
import { useSession } from './session.ts';

const COLUMNS = ['When', 'What', 'Credits', 'Available after', 'Held after', 'Service', 'Key', 'For'];
const PAGE_LENGTH = 25;

interface Page {
  readonly transactions: readonly Transaction[];
  readonly next: string | null;
}

export function ActivitySection() {
  const { api } = useSession();
  const query = useInfiniteQuery({
    queryKey: ['transactions'],
    queryFn: ({ pageParam }) =>
      api.get<Page>(
        `/v1/transactions?limit=${PAGE_LENGTH}${pageParam === null ? '' : `&before=${pageParam}`}`,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next,
    refetchInterval: 10_000,
  });
  const saving = useMutation({
    mutationFn: async () => {
      const rows = await all<Transaction>(api, '/v1/transactions', 'transactions');
      download('credits-activity.csv', csvOfActivity(rows), 'text/csv');
    },
  });
  return (
    <Section title="Activity">
      <Asked query={query}>
        <Table label="Activity" columns={COLUMNS}>
          {query.data?.pages
            .flatMap(page => page.transactions)
            .map(entry => (
              <tr key={entry.id}>
                <td>
                  <Time at={entry.booked_at} />
                </td>
                <th scope="row">{entry.kind.replaceAll('_', ' ')}</th>
                <td>{shownAmount(entry.amount)}</td>
                <td>{shownAmount(entry.available)}</td>
                <td>{shownAmount(entry.held)}</td>
                <td>{entry.service}</td>
                <td>{keyName(entry)}</td>
                <td>{[entry.model, entry.description].filter(Boolean).join(': ')}</td>
              </tr>
            ))}
        </Table>
        <div className="actions">
          {query.hasNextPage && (
            <button
              type="button"
              onClick={() => void query.fetchNextPage()}
              disabled={query.isFetchingNextPage}
            >
              Show more
            </button>
          )}
          <button type="button" onClick={() => saving.mutate()} disabled={saving.isPending}>
            {saving.isPending ? 'Collecting…' : 'Download all as CSV'}
          </button>
        </div>
        <Problem error={saving.error} />
      </Asked>
    </Section>
  );
}

function keyName({ key }: Transaction): string {
  return key === null ? '' : `${key.kind} ${key.number}${key.label === null ? '' : ` (${key.label})`}`;
}

function csvOfActivity(entries: readonly Transaction[]): string {
  const titles = [
    'id',
    'kind',
    'booked_at',
    'effective_at',
    'amount',
    'available',
    'held',
    'debt',
    'service',
    'key',
    'model',
    'description',
  ];
  return csvOf([
    titles,
    ...entries.map(entry => [
      ...[
        entry.id,
        entry.kind,
        entry.booked_at,
        entry.effective_at,
        entry.amount,
        entry.available,
        entry.held,
        entry.debt,
      ],
      ...[entry.service, keyName(entry), entry.model, entry.description],
    ]),
  ]);
}
