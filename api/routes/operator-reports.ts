import type { Router } from 'express';
import {
  type DayOfRevenue,
  type Problem as FoundProblem,
  type Instant,
  instantText,
  type Ledger,
} from '../../ledger/index.ts';
import { accountIdOf, accountMissing } from '../account-of-path.ts';
import { creditsText, decimalText, usdText } from '../amount-text.ts';
import {
  getJournalVerification,
  getReconciliation,
  getReplay,
  getReport,
  getVerification,
} from '../contract/operator-reports.ts';
import { Problem } from '../problem.ts';
import { reconciliationJson } from '../reconciliation-json.ts';
import { Serving } from '../serve.ts';

const DAY = 86_400_000_000n;

/** Whether the books tie, and what they come to: for operators only. */
export function operatorReportRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(getReconciliation, async ({ query }) => {
      return reconciliationJson(await ledger.accounting.reconcile(query.at ?? (await ledger.now())));
    })
    .on(getReport, async ({ query: { from, to: last } }) => {
      if (from !== undefined && last !== undefined && from > last)
        throw new Problem('invalid_field', '"from" must not be later than "to".', { field: 'from' });
      const now = await ledger.now();
      // All of the last day, as far as it is over.
      const to = last === undefined || last + DAY > now ? now : last + DAY - 1n;
      const made = await ledger.accounting.report({ from, to });
      const { exchange } = made;
      return {
        from: dayText(made.from),
        to: instantText(made.to),
        days: made.days.map(day => ({ day: dayText(day.day), ...revenueJson(day) })),
        total: revenueJson(made.total),
        exchange: {
          acquired_eth: decimalText(exchange.acquiredWei, 18),
          credited_usd: usdText(exchange.creditedMicrousd),
          at_block_price_usd: usdText(exchange.atBlockPriceMicrousd),
          at_last_price_usd:
            exchange.atLastPriceMicrousd === null ? null : usdText(exchange.atLastPriceMicrousd),
          withdrawn_eth: decimalText(exchange.withdrawnWei, 18),
          withdrawn_usd: usdText(exchange.withdrawnMicrousd),
        },
        cohorts: made.cohorts.map(cohort => ({
          week: dayText(cohort.week),
          lots: cohort.lots,
          available: creditsText(cohort.availableMicrocredits),
          held: creditsText(cohort.heldMicrocredits),
          unreleased: creditsText(cohort.unreleasedMicrocredits),
        })),
        ties: made.ties.map(({ what, found, booked }) => ({
          what,
          found: found.toString(),
          booked: booked.toString(),
          holds: found === booked,
        })),
      };
    })
    .on(getJournalVerification, async () => {
      const { books, entries, postings, problems } = await ledger.accounting.verifyAll();
      return { books, entries, postings, problems: problems.map(problemJson) };
    })
    .on(getReplay, async ({ query }) => {
      const { books, entries, commands, differences } = await ledger.accounting.replayAll(query.at);
      return { books, entries, commands, differences: differences.map(problemJson) };
    })
    .on(getVerification, async ({ params: { account } }) => {
      const found = await ledger.accounting.verify(accountIdOf(account));
      if (!found) throw accountMissing();
      const { verified, replayed } = found;
      return {
        account,
        entries: verified.entries,
        problems: verified.problems.map(flawJson),
        differences: replayed.differences.map(flawJson),
      };
    })
    .refuseOtherMethods();
}

function problemJson(problem: FoundProblem) {
  return { book: problem.book, ...flawJson(problem) };
}

function flawJson({ entry, what, expected, found }: FoundProblem) {
  return { entry: entry === null ? null : entry.toString(), what, expected, found };
}

function revenueJson(revenue: Omit<DayOfRevenue, 'day'>) {
  return {
    paid_usd: usdText(revenue.paid),
    returned_usd: usdText(revenue.returned),
    by_time_usd: usdText(revenue.byTime),
    by_use_usd: usdText(revenue.byUse),
    breakage_usd: usdText(revenue.breakage),
    settled_usd: usdText(revenue.settled),
    closed_usd: usdText(revenue.closed),
    recognised_usd: usdText(revenue.recognised),
    refunded_usd: usdText(revenue.refunded),
    deferred_usd: usdText(revenue.deferred),
    fees_usd: usdText(revenue.fees),
  };
}

function dayText(instant: Instant): string {
  return instantText(instant).slice(0, 10);
}
