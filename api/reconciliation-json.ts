/** A reconciliation as JSON: for the operator route and for `npx credits reconcile --json`, with the same names in both. */
import { instantText, type PartOutcome, type Reconciliation } from '../ledger/index.ts';
import { usdText } from './amount-text.ts';

export function reconciliationJson(made: Reconciliation) {
  return {
    at: instantText(made.at),
    ledger: partJson(made.ledger),
    chain: partJson(made.chain),
    stripe: partJson(made.stripe),
    differences: [...made.differences],
    in_flight: made.inFlight.map(({ receipt, kind, account, amountMicrousd, decidedAt }) => ({
      ...{ receipt, kind, account },
      amount_usd: usdText(amountMicrousd),
      decided_at: instantText(decidedAt),
    })),
  };
}

function partJson(outcome: PartOutcome) {
  return outcome.status === 'compared'
    ? { status: outcome.status, why: null, figures: [...outcome.figures] }
    : { status: outcome.status, why: outcome.why, figures: [] };
}
