import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ApiProblem } from '../api.ts';
import { Asked, ConfirmButton, NewSecret, Problem, Section, Table, Time } from '../parts.tsx';
import type { Key, NewKey } from './answers.ts';
import { LimitFields, limitIn, shownLimit } from './limit-fields.tsx';
import { all } from './pages.ts';
import { useSession } from './session.ts';

const COLUMNS = ['Key', 'May', 'Limit', 'Made', 'What to do'];

export function KeysSection({ ownNumber }: { ownNumber: number }) {
  const { api, renewKey, keepOpen } = useSession();
  const client = useQueryClient();
  const [created, setCreated] = useState<NewKey | null>(null);
  const show = (key: NewKey | null) => {
    keepOpen('keys', key !== null);
    setCreated(key);
  };
  const query = useQuery({ queryKey: ['keys'], queryFn: () => all<Key>(api, '/v1/keys', 'keys') });
  const refresh = () => client.invalidateQueries({ queryKey: ['keys'] });
  const make = useMutation({
    mutationFn: (body: object) => api.send<NewKey>('POST', '/v1/keys', body),
    onSuccess: show,
    onSettled: refresh,
  });
  const rotate = useMutation({
    mutationFn: (key: Key) =>
      api.send<NewKey>('POST', `/v1/keys/${key.number}/rotate`, { last_four: key.last_four }),
    onSuccess: async key => {
      show(key);
      if (key.number === ownNumber) await renewKey(key.secure_key);
    },
    // What was asked meanwhile with the old secret was refused.
    onSettled: () => client.invalidateQueries(),
  });
  const change = useMutation({
    mutationFn: ({ number, body }: { number: number; body: object }) =>
      api.send('PATCH', `/v1/keys/${number}`, body),
    onSettled: refresh,
  });
  const revoke = useMutation({
    mutationFn: ({ number, isLast }: { number: number; isLast: boolean }) =>
      api.send('DELETE', `/v1/keys/${number}${isLast ? '?confirm=true' : ''}`),
    onSettled: refresh,
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const label = String(form.get('label')).trim();
    const limit = limitIn(form);
    make.mutate({
      scope: form.get('scope'),
      ...(label === '' ? {} : { label }),
      ...(limit === null ? {} : { limit }),
    });
  };
  // A secret that nobody has saved has no other in its place.
  const isTaken = created !== null || make.isPending || rotate.isPending;
  const error = make.error ?? rotate.error ?? change.error ?? revoke.error;
  return (
    <Section title="Keys">
      {created && (
        <NewSecret
          title={`The secret of key ${created.number}`}
          secret={created.secure_key}
          onSaved={() => show(null)}
        />
      )}
      <Problem error={error} />
      {revoke.error instanceof ApiProblem && revoke.error.code === 'last_managing_key' && (
        <button
          type="button"
          className="danger"
          onClick={() => revoke.mutate({ number: revoke.variables?.number ?? 0, isLast: true })}
        >
          Revoke the last key that manages all the same
        </button>
      )}
      <Asked query={query}>
        <Table label="Keys" columns={COLUMNS}>
          {query.data?.map(key => (
            <tr key={key.number} className={key.revoked_at === null ? '' : 'ended'}>
              <th scope="row">
                {key.number}
                {key.number === ownNumber ? ' (this one)' : ''} {key.label} <code>…{key.last_four}</code>
              </th>
              <td>{key.scope === 'manage' ? 'manage and spend' : 'spend'}</td>
              <td>{shownLimit(key.limit)}</td>
              <td>
                <Time at={key.created_at} />
              </td>
              <td>
                {key.revoked_at !== null && 'revoked'}
                {key.revoked_at === null && (
                  <div className="actions">
                    <LimitForm
                      name={`key ${key.number}`}
                      onLimit={limit => change.mutate({ number: key.number, body: { limit } })}
                    />
                    <ConfirmButton
                      verb="Rotate"
                      what={`key ${key.number}`}
                      question="The secret it has ends at once."
                      isDisabled={isTaken}
                      onConfirm={() => rotate.mutate(key)}
                    />
                    <ConfirmButton
                      verb="Revoke"
                      what={`key ${key.number}`}
                      question="It ends at once and for good."
                      onConfirm={() => revoke.mutate({ number: key.number, isLast: false })}
                    />
                  </div>
                )}
              </td>
            </tr>
          ))}
        </Table>
      </Asked>
      <h3>New key</h3>
      <form className="row" onSubmit={submit}>
        <label>
          Label
          <input name="label" autoComplete="off" maxLength={100} />
        </label>
        <label>
          It may
          <select name="scope" defaultValue="spend">
            <option value="spend">spend</option>
            <option value="manage">manage and spend</option>
          </select>
        </label>
        <LimitFields />
        <button type="submit" disabled={isTaken}>
          Create key
        </button>
      </form>
    </Section>
  );
}

/** Opens on demand; an empty amount takes the limit away. */
function LimitForm({
  name,
  onLimit,
}: {
  name: string;
  onLimit: (limit: ReturnType<typeof limitIn>) => void;
}) {
  const [isOpen, setOpen] = useState(false);
  if (!isOpen)
    return (
      <button type="button" onClick={() => setOpen(true)} aria-label={`Limit ${name}`}>
        Limit
      </button>
    );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onLimit(limitIn(new FormData(event.currentTarget)));
    setOpen(false);
  };
  return (
    <form className="row" onSubmit={submit} aria-label={`Limit of ${name}`}>
      <LimitFields />
      <button type="submit">Set limit</button>
    </form>
  );
}
