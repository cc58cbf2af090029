import { csvLine } from '../store/csv-line.ts';
import { instantText } from '../store/instant-text.ts';
import type { PartOutcome } from './part-outcome.ts';
import type { Reconciliation } from './reconcile.ts';

/** The parts of a reconciliation by name, in the order in which they are told. */
export function partsOf({ ledger, chain, stripe }: Reconciliation): [name: string, outcome: PartOutcome][] {
  return [
    ['ledger', ledger],
    ['chain', chain],
    ['stripe', stripe],
  ];
}

/** Differences first, then what is under way, then every figure with how it was obtained: one row each. */
export function reconciliationCsv(made: Reconciliation): string {
  const at = instantText(made.at);
  return [
    csvLine([
      'at',
      'row',
      'part',
      'kind',
      'receipt',
      'entry',
      'what',
      'expected',
      'found',
      'unit',
      'explanation',
    ]),
    ...made.differences.map(({ part, kind, receipt, entry, what, expected, found, cause }) =>
      csvLine([at, 'difference', part, kind, receipt, entry, what, expected, found, null, cause]),
    ),
    ...made.inFlight.map(({ receipt, kind, account, amountMicrousd, decidedAt }) =>
      csvLine([
        ...[at, 'in_flight', 'ledger', kind, receipt, account, `decided ${instantText(decidedAt)}`],
        ...[null, amountMicrousd, 'microusd', 'on its way through the outbox'],
      ]),
    ),
    ...partsOf(made).flatMap(([part, outcome]) =>
      outcome.status === 'compared'
        ? outcome.figures.map(({ what, unit, value, how }) =>
            csvLine([at, 'figure', part, null, null, null, what, null, value, unit, how]),
          )
        : [csvLine([at, 'not_compared', part, null, null, null, null, null, null, null, outcome.why])],
    ),
  ].join('');
}
