import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Asked, ConfirmButton, NewSecret, Problem, Section, Table, Time } from '../parts.tsx';
import type { Delivery, Endpoint } from './answers.ts';
import { useSession } from './session.ts';

const EVENTS = ['low_balance', 'expiry_soon', 'debt_opened', 'lot_added'] as const;

export function WebhooksSection() {
  const { api, keepOpen } = useSession();
  const client = useQueryClient();
  const [secret, setSecret] = useState<string | null>(null);
  const show = (told: string | null) => {
    keepOpen('webhooks', told !== null);
    setSecret(told);
  };
  const query = useQuery({
    queryKey: ['webhooks'],
    queryFn: () => api.get<{ webhooks: readonly Endpoint[] }>('/v1/webhooks'),
  });
  const onSettled = () => client.invalidateQueries({ queryKey: ['webhooks'] });
  const make = useMutation({
    mutationFn: (body: object) => api.send<{ secret: string }>('POST', '/v1/webhooks', body),
    onSuccess: answer => show(answer.secret),
    onSettled,
  });
  const test = useMutation({
    mutationFn: (id: string) => api.send<Delivery>('POST', `/v1/webhooks/${id}/test`),
    onSettled,
  });
  const end = useMutation({
    mutationFn: (id: string) => api.send('DELETE', `/v1/webhooks/${id}`),
    onSettled,
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const threshold = String(form.get('threshold')).trim();
    make.mutate({
      url: String(form.get('url')).trim(),
      events: form.getAll('events'),
      ...(threshold === '' ? {} : { low_balance_threshold: threshold }),
    });
  };
  return (
    <Section title="Webhooks">
      {secret !== null && <NewSecret title="The signing secret" secret={secret} onSaved={() => show(null)} />}
      <Problem error={make.error ?? test.error ?? end.error} />
      <Asked query={query}>
        {query.data?.webhooks.length === 0 && (
          <p className="quiet">No server of yours is told of anything.</p>
        )}
        {query.data?.webhooks.map(endpoint => (
          <article key={endpoint.id}>
            <h3>{endpoint.url}</h3>
            <p>
              {endpoint.events.join(', ')} ({endpoint.status})
            </p>
            {endpoint.alarm && <p className="problem">{endpoint.alarm.detail}</p>}
            <div className="actions">
              <button type="button" onClick={() => test.mutate(endpoint.id)}>
                Send a test
              </button>
              <ConfirmButton
                verb="Delete"
                what={endpoint.url}
                question="Nothing is sent there any more."
                onConfirm={() => end.mutate(endpoint.id)}
              />
            </div>
            <Deliveries endpointId={endpoint.id} />
          </article>
        ))}
      </Asked>
      <h3>New webhook</h3>
      <form className="row" onSubmit={submit}>
        <label>
          URL
          <input name="url" type="url" autoComplete="off" placeholder="https://" />
        </label>
        <fieldset>
          <legend>Events</legend>
          {EVENTS.map(event => (
            <label key={event} className="check">
              <input type="checkbox" name="events" value={event} /> {event.replaceAll('_', ' ')}
            </label>
          ))}
        </fieldset>
        <label>
          Low below (credits)
          <input name="threshold" inputMode="decimal" autoComplete="off" />
        </label>
        <button type="submit" disabled={make.isPending || secret !== null}>
          Create webhook
        </button>
      </form>
    </Section>
  );
}

function Deliveries({ endpointId }: { endpointId: string }) {
  const { api } = useSession();
  const query = useQuery({
    queryKey: ['webhooks', endpointId, 'deliveries'],
    queryFn: () =>
      api.get<{ deliveries: readonly Delivery[] }>(`/v1/webhooks/${endpointId}/deliveries?limit=10`),
    refetchInterval: 5_000,
  });
  if (query.data?.deliveries.length === 0) return <p className="quiet">Nothing was sent yet.</p>;
  return (
    <Asked query={query}>
      <Table label="Deliveries" columns={['When', 'Event', 'Became of it', 'Attempts']}>
        {query.data?.deliveries.map(delivery => (
          <tr key={delivery.id}>
            <td>
              <Time at={delivery.created_at} />
            </td>
            <th scope="row">{delivery.event}</th>
            <td>
              {delivery.status} {delivery.last_problem?.detail}
            </td>
            <td>{delivery.attempts}</td>
          </tr>
        ))}
      </Table>
    </Asked>
  );
}
