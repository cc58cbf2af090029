import { useQuery } from '@tanstack/react-query';
import { shownAmount } from '../amounts.ts';
import { Asked, Section, Table } from '../parts.tsx';
import type { Debtor } from './answers.ts';
import { REFRESH_MS, useOperatorApi } from './operator.ts';

export function DebtsSection() {
  const api = useOperatorApi();
  const query = useQuery({
    queryKey: ['debts'],
    queryFn: () => api.get<{ accounts: readonly Debtor[] }>('/v1/operator/debts?limit=50'),
    refetchInterval: REFRESH_MS,
  });
  const accounts = query.data?.accounts ?? [];
  return (
    <Section title="Debts">
      <p className="quiet">
        Of accounts whose payment was taken back after its credits were used. They cannot spend until a new
        payment has settled it.
      </p>
      <Asked query={query}>
        {accounts.length === 0 ? (
          <p className="good">Nobody owes anything.</p>
        ) : (
          <Table label="Debts" columns={['Account', 'Credits owed']}>
            {accounts.map(({ account, debt }) => (
              <tr key={account}>
                <th scope="row">
                  <code>{account}</code>
                </th>
                <td>{shownAmount(debt)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Asked>
    </Section>
  );
}
