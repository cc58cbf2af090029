import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Asked, ConfirmButton, Problem, Section, Table, Time } from '../parts.tsx';
import type { Wallets } from './answers.ts';
import { useSession } from './session.ts';

/** Linking needs the wallet's signature: this page loads no wallet code, since it shows keys. */
export function WalletsSection() {
  const { api } = useSession();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ['wallets'], queryFn: () => api.get<Wallets>('/v1/wallets') });
  const unlink = useMutation({
    mutationFn: (address: string) => api.send('DELETE', `/v1/wallets/${address}`),
    onSettled: () => client.invalidateQueries({ queryKey: ['wallets'] }),
  });
  return (
    <Section title="Linked wallets">
      <Problem error={unlink.error} />
      <Asked query={query}>
        {query.data?.wallets.length === 0 ? (
          <p className="quiet">No wallet is linked: what one pays comes here only with an order.</p>
        ) : (
          <Table
            label="Linked wallets"
            columns={['Wallet', 'Linked', 'May recover the account', 'What to do']}
          >
            {query.data?.wallets.map(wallet => (
              <tr key={wallet.address}>
                <th scope="row">
                  <code>{wallet.address}</code>
                </th>
                <td>{wallet.linked_at === null ? 'no longer' : <Time at={wallet.linked_at} />}</td>
                <td>
                  from <Time at={wallet.recovers_from} />
                  {wallet.recovers_until !== null && (
                    <>
                      {' '}
                      until <Time at={wallet.recovers_until} />
                    </>
                  )}
                </td>
                <td>
                  {wallet.linked_at !== null && (
                    <ConfirmButton
                      verb="Unlink"
                      what={wallet.address}
                      question="It may recover the account for another 72 hours."
                      onConfirm={() => unlink.mutate(wallet.address)}
                    />
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Asked>
    </Section>
  );
}
