import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { shownAmount } from '../amounts.ts';
import { Asked, Problem, Section, Time } from '../parts.tsx';
import type { SuspendedReceipt, SuspensePage } from './answers.ts';
import { REFRESH_MS, useOperatorApi } from './operator.ts';

export function SuspenseSection() {
  const api = useOperatorApi();
  const query = useQuery({
    queryKey: ['suspense'],
    queryFn: () => api.get<SuspensePage>('/v1/operator/suspense?limit=50'),
    refetchInterval: REFRESH_MS,
  });
  const [assigned, setAssigned] = useState<string | null>(null);
  const receipts = query.data?.receipts ?? [];
  return (
    <Section title="Suspense">
      <p className="quiet">
        Payments on the chain that nothing told the owner of, or that were kept back. Give one to an account
        only when its owner has shown that they sent it.
      </p>
      <p role="status" className="good">
        {assigned}
      </p>
      <Asked query={query}>
        {receipts.length === 0 && <p className="good">Nothing is in suspense.</p>}
        {receipts.map(receipt => (
          <Suspended key={receipt.receipt} receipt={receipt} onAssigned={setAssigned} />
        ))}
        {query.data?.next != null && (
          <p className="quiet">
            There are more: the newest 50 are shown; <code>GET /v1/operator/suspense</code> pages through all.
          </p>
        )}
      </Asked>
    </Section>
  );
}

interface Assigned {
  readonly account: string;
  readonly amount_usd: string | null;
}

function Suspended(props: { receipt: SuspendedReceipt; onAssigned: (what: string) => void }) {
  const { receipt, onAssigned } = props;
  return (
    <article aria-label={`Payment ${receipt.transaction}`}>
      <h3>
        {receipt.amount_eth} ETH
        {receipt.amount_usd === null ? ', without a price yet' : `, $${shownAmount(receipt.amount_usd)}`}
      </h3>
      <p>{receipt.detail}</p>
      <p className="quiet">
        From <code>{receipt.sender}</code> in transaction <code>{receipt.transaction}</code>,{' '}
        <Time at={receipt.paid_at} />
        {receipt.kept_back_from !== null && (
          <>
            ; kept back from account <code>{receipt.kept_back_from.account}</code>
            {receipt.kept_back_from.order !== null && (
              <>
                , order <code>{receipt.kept_back_from.order}</code>
              </>
            )}
          </>
        )}
        .
      </p>
      <AssignForm receipt={receipt} onAssigned={onAssigned} />
    </article>
  );
}

function AssignForm(props: { receipt: SuspendedReceipt; onAssigned: (what: string) => void }) {
  const { receipt, onAssigned } = props;
  const api = useOperatorApi();
  const client = useQueryClient();
  const id = useId();
  const [owner, setOwner] = useState(receipt.kept_back_from?.order ?? receipt.kept_back_from?.account ?? '');
  const [reason, setReason] = useState('');
  const assigning = useMutation({
    mutationFn: () => {
      const whose = owner.trim();
      const to = whose.startsWith('ord_') ? { order: whose } : { account: whose };
      return api.send<Assigned>('POST', `/v1/operator/receipts/${receipt.receipt}/assign`, {
        ...to,
        reason: reason.trim(),
      });
    },
    onSuccess: async ({ account }) => {
      onAssigned(`The payment of ${receipt.amount_eth} ETH is now of ${account}.`);
      await client.invalidateQueries();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    assigning.mutate();
  };
  return (
    <form onSubmit={submit} className="row">
      <label htmlFor={`${id}-owner`}>
        Account or order
        <input
          id={`${id}-owner`}
          value={owner}
          onChange={event => setOwner(event.target.value)}
          placeholder="acct_… or ord_…"
          autoComplete="off"
          spellCheck={false}
          required
        />
      </label>
      <label htmlFor={`${id}-reason`}>
        Reason, for the record
        <input
          id={`${id}-reason`}
          value={reason}
          onChange={event => setReason(event.target.value)}
          autoComplete="off"
          required
        />
      </label>
      <button type="submit" disabled={assigning.isPending}>
        Assign
      </button>
      <Problem error={assigning.error} />
    </form>
  );
}
