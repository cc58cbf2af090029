import { ApiProblem } from '../api.ts';
import { Problem, Time } from '../parts.tsx';

/** Why a wallet gets no new key, and what to do. */
export function RecoveryRefusal({ problem }: { problem: Error }) {
  if (!(problem instanceof ApiProblem)) return <Problem error={problem} />;
  const { code, facts } = problem;
  switch (code) {
    case 'recovery_too_early':
      return (
        <p role="alert">
          This wallet is linked to the account <code>{String(facts.account)}</code>, but not for 72 hours yet.
          It can recover it from <Time at={String(facts.possible_at)} /> on: come back then. Until then, the
          account’s Secure Key and wallets that were linked earlier still work.
        </p>
      );
    case 'account_ambiguous':
      return (
        <>
          <p role="alert">
            This wallet is linked to several accounts. Go back, enter the one that you want to recover, and
            sign once more:
          </p>
          <ul>
            {(facts.accounts as readonly string[]).map(account => (
              <li key={account}>
                <code>{account}</code>
              </li>
            ))}
          </ul>
        </>
      );
    case 'wallet_not_linked':
      return (
        <p role="alert">
          This wallet is linked to no such account, so it cannot recover one. If you have another wallet, go
          back and try that one; if you entered an account, check its name.
        </p>
      );
    case 'challenge_expired':
    case 'challenge_used':
    case 'challenge_invalid':
      return <p role="alert">This signature does not count any more: go back and sign once more.</p>;
    default:
      return <Problem error={problem} />;
  }
}
