import type { Router } from 'express';
import {
  type AuditedPart,
  AuditRangeError,
  type DayOfRevenue,
  describeRpcFailure,
  type Problem as FoundProblem,
  type Instant,
  instantText,
  isRpcFailure,
  type Ledger,
  NothingToAuditError,
  ScanBudgetError,
} from '../../ledger/index.ts';
import { accountIdOf, accountMissing } from '../account-of-path.ts';
import { creditsText, decimalText, usdText } from '../amount-text.ts';
import {
  exportJournal,
  getChainAudit,
  getJournalVerification,
  getReconciliation,
  getReplay,
  getReport,
  getVerification,
} from '../contract/operator-reports.ts';
import { OneStream } from '../one-stream.ts';
import { Problem } from '../problem.ts';
import { reconciliationJson } from '../reconciliation-json.ts';
import { Serving } from '../serve.ts';

const DAY = 86_400_000_000n;

/** Whether the books tie, and what they come to: for operators only. */
export function operatorReportRoutes(ledger: Ledger): Router {
  const exports = new OneStream();
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
    .on(getChainAudit, async ({ query: { from, to, limit } }) => {
      try {
        return chainAuditJson(
          await ledger.accounting.auditChain({ after: from, through: to, blocks: limit }),
        );
      } catch (error) {
        throw auditProblem(error);
      }
    })
    .on(exportJournal, async ({ query: { format, table, at, account }, response }) => {
      const range = { at, accountId: account === undefined ? undefined : accountIdOf(account) };
      await exports.stream(response, MEDIA_TYPES[format], write =>
        ledger.accounting.export(
          format === 'csv' ? { format, file: `${table}.csv`, ...range } : { format, ...range },
          write,
        ),
      );
    })
    .on(getReplay, async ({ query }) => {
      if (query.at !== undefined && query.at > (await ledger.now()))
        throw new Problem('invalid_field', '"at" is in the future: leave it out for now.', { field: 'at' });
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

const MEDIA_TYPES = {
  hledger: 'text/plain',
  beancount: 'text/plain',
  csv: 'text/csv',
} as const;

function chainAuditJson({ range, next, found, why }: AuditedPart) {
  return {
    after: range.after.toString(),
    through: range.through.toString(),
    next: next === null ? null : next.toString(),
    is_proven: found?.isProven ?? false,
    doubts: found ? [...found.doubts] : [`The RPC has no history: ${why}. Ask an archive node.`],
    found: found && {
      blocks_found: found.blocksFound,
      points: found.points,
      points_bound: found.pointsBound,
      opening_wei: found.openingWei.toString(),
      arrived_wei: found.arrivedWei.toString(),
      minted_wei: found.mintedWei.toString(),
      withdrawn_wei: found.withdrawnWei.toString(),
      fees_wei: found.feesWei.toString(),
      unexplained_wei: found.unexplainedWei.toString(),
      closing_wei: found.closingWei.toString(),
      receipts_on_chain: found.receiptsOnChain,
      receipts_agreed: found.receiptsAgreed,
      receipts_agreed_otherwise: found.receiptsAgreedOtherwise,
      outgoing: found.outgoing.length,
      outgoing_not_recorded_yet: found.outgoing.filter(({ status }) => status === 'not_recorded_yet').length,
      differences: found.differences.map(({ kind, of, id, blockNumber, amountWei, fields, likelyCause }) => ({
        ...{ kind, of, id },
        block: blockNumber.toString(),
        amount_wei: amountWei.toString(),
        fields: fields.map(({ field, recorded, onChain }) => ({ field, recorded, on_chain: onChain })),
        cause: likelyCause,
      })),
    },
  };
}

/** What keeps a part of the chain from being audited, as the problem that is answered. */
function auditProblem(error: unknown): unknown {
  if (error instanceof NothingToAuditError) return new Problem('not_found', error.message);
  if (error instanceof AuditRangeError) return new Problem('invalid_field', error.message, { field: 'from' });
  if (error instanceof ScanBudgetError)
    return new Problem(
      'invalid_field',
      `More happened in so many blocks than one request may look at (${error.message}): ask for fewer with "limit".`,
      { field: 'limit' },
    );
  if (isRpcFailure(error))
    return new Problem(
      'temporarily_unavailable',
      `The RPC cannot be used: ${describeRpcFailure(error)}. Try again, or use \`npx credits audit-chain\`, which waits.`,
    );
  return error;
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
