import { useQuery } from '@tanstack/react-query';
import type { Lot } from '../../../client/src/account-types.ts';
import { shownAmount } from '../amounts.ts';
import { Asked, Section, Table, Time } from '../parts.tsx';
import { all } from './pages.ts';
import { useSession } from './session.ts';

const COLUMNS = ['Lot', 'Face', 'Remaining', 'Added', 'Expires', 'Renewals left', 'Paid', 'From'];

export function LotsSection() {
  const { api } = useSession();
  const query = useQuery({
    queryKey: ['lots'],
    queryFn: () => all<Lot>(api, '/v1/lots', 'lots'),
    refetchInterval: 30_000,
  });
  return (
    <Section title="Lots">
      <p className="quiet">
        Each payment is a lot of its own, which lives for 30 days. The one that ends first is spent first.
      </p>
      <Asked query={query}>
        <Table label="Lots" columns={COLUMNS}>
          {query.data?.map(lot => (
            <tr key={lot.id} className={lot.live ? '' : 'ended'}>
              <th scope="row">{lot.id}</th>
              <td>{shownAmount(lot.face)}</td>
              <td>
                {shownAmount(lot.remaining)}
                {lot.unreleased === '0' ? '' : ` (${shownAmount(lot.unreleased)} to come)`}
              </td>
              <td>
                <Time at={lot.added_at} />
              </td>
              <td>
                <Time at={lot.expires_at} />
                {lot.live ? '' : ' (ended)'}
              </td>
              <td>{lot.renewals_left}</td>
              <td>
                ${shownAmount(lot.paid_usd)}
                {lot.price ? ` at $${shownAmount(lot.price.eth_usd)} per ETH` : ''}
              </td>
              <td>
                <Source lot={lot} />
              </td>
            </tr>
          ))}
        </Table>
      </Asked>
    </Section>
  );
}

function Source({ lot: { source } }: { lot: Lot }) {
  const { signedIn } = useSession();
  if (source.stripe_receipt_url)
    return (
      <a href={source.stripe_receipt_url} rel="noreferrer">
        Receipt of Stripe
      </a>
    );
  if (source.transaction === null) return source.kind;
  const short = `${source.transaction.slice(0, 10)}…`;
  // A development stack has a chain of its own, which no explorer knows.
  if (signedIn.mode === 'dev') return <code title={source.transaction}>{short}</code>;
  return (
    <a href={`https://basescan.org/tx/${source.transaction}`} rel="noreferrer">
      Transaction {short}
    </a>
  );
}
