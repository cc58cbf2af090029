import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import type { Grant, Service } from '../../../client/src/account-types.ts';
import { Asked, ConfirmButton, Problem, Section, Table, Time } from '../parts.tsx';
import { LimitFields, limitIn, shownLimit } from './limit-fields.tsx';
import { all } from './pages.ts';
import { useSession } from './session.ts';

export function GrantsSection() {
  const { api } = useSession();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ['grants'], queryFn: () => all<Grant>(api, '/v1/grants', 'grants') });
  const services = useQuery({
    queryKey: ['services'],
    queryFn: () => api.get<{ services: readonly Service[] }>('/v1/services'),
  });
  const onSettled = () => client.invalidateQueries({ queryKey: ['grants'] });
  const make = useMutation({
    mutationFn: (body: object) => api.send<Grant>('POST', '/v1/grants', body),
    onSettled,
  });
  const revoke = useMutation({
    mutationFn: (id: string) => api.send('DELETE', `/v1/grants/${id}`),
    onSettled,
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const limit = limitIn(form);
    make.mutate({ service: form.get('service'), ...(limit === null ? {} : { limit }) });
  };
  return (
    <Section title="Grants to services">
      <p className="quiet">
        A service with a grant spends without knowing a key of yours, up to the limit that you set.
      </p>
      <Problem error={make.error ?? revoke.error} />
      <Asked query={query}>
        {query.data?.length === 0 ? (
          <p className="quiet">No service has a grant.</p>
        ) : (
          <Table label="Grants" columns={['Service', 'Grant', 'Limit', 'Given', 'What to do']}>
            {query.data?.map(grant => (
              <tr key={grant.id} className={grant.revoked_at === null ? '' : 'ended'}>
                <th scope="row">{grant.service}</th>
                <td>
                  <code>{grant.id}</code>
                </td>
                <td>{shownLimit(grant.limit)}</td>
                <td>
                  <Time at={grant.created_at} />
                </td>
                <td>
                  {grant.revoked_at === null ? (
                    <ConfirmButton
                      verb="Revoke"
                      what={`the grant to ${grant.service}`}
                      question="It ends at once."
                      onConfirm={() => revoke.mutate(grant.id)}
                    />
                  ) : (
                    'revoked'
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Asked>
      <form className="row" onSubmit={submit}>
        <label>
          Service
          <select name="service">
            {services.data?.services.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <LimitFields />
        <button type="submit" disabled={make.isPending}>
          Give grant
        </button>
      </form>
    </Section>
  );
}
