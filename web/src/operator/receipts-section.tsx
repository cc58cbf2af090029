import { useQuery } from '@tanstack/react-query';
import { shownAmount } from '../amounts.ts';
import { Asked, Section, Table, Time } from '../parts.tsx';
import type { Receipt } from './answers.ts';
import { REFRESH_MS, useOperatorApi } from './operator.ts';

const STANDINGS: Record<Receipt['standing'], string> = {
  credited: 'credited',
  crediting: 'about to be credited',
  price_pending: 'waits for its price',
  suspense: 'in suspense',
  reorged: 'taken back by the chain',
  unpaid: 'not paid yet, or failed',
};
const RAILS: Record<Receipt['rail'], string> = { chain: 'ETH on Base', stripe: 'card' };

export function ReceiptsSection() {
  const api = useOperatorApi();
  const query = useQuery({
    queryKey: ['receipts'],
    queryFn: () => api.get<{ receipts: readonly Receipt[] }>('/v1/operator/receipts?limit=50'),
    refetchInterval: REFRESH_MS,
  });
  const receipts = query.data?.receipts ?? [];
  return (
    <Section title="Newest payments">
      <Asked query={query}>
        {receipts.length === 0 ? (
          <p className="quiet">Nothing was paid yet.</p>
        ) : (
          <Table
            label="Newest payments"
            columns={['Recorded', 'By', 'Amount', 'Standing', 'Account', 'Receipt']}
          >
            {receipts.map(receipt => (
              <tr key={receipt.receipt}>
                <td>
                  <Time at={receipt.recorded_at} />
                </td>
                <td>{RAILS[receipt.rail]}</td>
                <td>{amountText(receipt)}</td>
                <td className={receipt.standing === 'suspense' ? 'problem' : undefined}>
                  {STANDINGS[receipt.standing]}
                </td>
                <td>{receipt.account === null ? 'nobody’s' : <code>{receipt.account}</code>}</td>
                <td>
                  <code>{receipt.receipt}</code>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Asked>
    </Section>
  );
}

function amountText({ amount_eth: eth, amount_usd: usd }: Receipt): string {
  const amounts = [usd === null ? null : `$${shownAmount(usd)}`, eth === null ? null : `${eth} ETH`];
  return amounts.filter(amount => amount !== null).join(' · ');
}
