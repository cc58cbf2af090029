import { parseAccountName } from '../ledger/index.ts';
import { Problem } from './problem.ts';

/** The number of the account that a path names; the contract lets no other text through. */
export function accountIdOf(account: string): bigint {
  const accountId = parseAccountName(account);
  // The system's own books are nobody's account.
  if (!accountId) throw accountMissing();
  return accountId;
}

/** The answer to an operator who asks about an account that is not there. */
export function accountMissing(): Problem {
  return new Problem('not_found', 'There is no such account: check its name.');
}
