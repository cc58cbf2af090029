/** `npx credits report`: revenue by day, exchange, fees and what is left of lots. */
import { Command } from 'commander';
import {
  type DayOfRevenue,
  decimalText,
  type Instant,
  instantText,
  isTied,
  makeReport,
  openPool,
  type Report,
  readLatestInstant,
  reportCsv,
} from '../ledger/index.ts';
import { jsonText } from './json-text.ts';
import { startProgress } from './progress.ts';
import { readDayOption } from './read-options.ts';
import { withSurroundings } from './surroundings.ts';
import { textTable } from './text-table.ts';
import { UsageError } from './usage-error.ts';

/** A fetch waits for the database to sort the postings. */
const QUERY_TIMEOUT_MS = 30 * 60_000;
const DAY = 86_400_000_000n;

interface ReportArguments {
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
  readonly csv?: true;
}

export function reportCommand(done: (code: number) => void): Command {
  return new Command('report')
    .description(
      'deferred and recognised revenue by UTC day, the exchange result, fees, and what is left of lots by when it ends; ends with 1 when a figure does not tie to the trial balance',
    )
    .option('--from <day>', 'the first day, such as 2026-03-01; left out: the first with any revenue')
    .option('--to <day>', 'the last day, all of it; left out: today, up to now')
    .option('--json', 'print JSON')
    .option('--csv', 'print the days as CSV')
    .action(async (given: ReportArguments) => done(await report(given)));
}

async function report({ from, to, json, csv }: ReportArguments): Promise<number> {
  if (json && csv) throw new UsageError('--json or --csv, not both.');
  const first = readDayOption('--from', from);
  const last = readDayOption('--to', to);
  if (first !== undefined && last !== undefined && first > last)
    throw new UsageError('--from is after --to.');
  return await withSurroundings(async surroundings => {
    const pool = openPool({
      databaseUrl: await surroundings.databaseUrl(),
      role: 'credits_auditor',
      max: 1,
      applicationName: 'credits-report',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
    });
    const progress = startProgress('lots');
    try {
      const now = await readLatestInstant(pool);
      // All of the last day, as far as it is over: everything before the next midnight.
      const end = last === undefined || last + DAY > now ? now : last + DAY - 1n;
      const made = await makeReport(pool, {
        from: first,
        to: end,
        onProgress: lots => progress.show(lots, null),
      });
      progress.clear();
      console.log(json ? jsonText(made) : csv ? reportCsv(made).trimEnd() : textOf(made));
      return isTied(made) ? 0 : 1;
    } finally {
      progress.clear();
      await pool.end();
    }
  });
}

function textOf(made: Report): string {
  const { total, exchange, cohorts, ties } = made;
  const untied = ties.filter(({ found, booked }) => found !== booked);
  return [
    ...revenueLines(made),
    '',
    `Since the beginning: paid ${usd(total.paid)}, returned ${usd(total.returned)}, recognised ${usd(total.recognised)}, of it refunded ${usd(total.refunded)}, deferred ${usd(total.deferred)}, fees ${usd(total.fees)}.`,
    '',
    'Exchange',
    textTable(
      ['', 'ETH', 'USD'],
      [
        ['taken for credits', eth(exchange.acquiredWei), usd(exchange.creditedMicrousd)],
        ["at the feed's price of each payment", '', usd(exchange.atBlockPriceMicrousd)],
        [
          'at the price recorded last',
          '',
          exchange.atLastPriceMicrousd === null ? 'no price' : usd(exchange.atLastPriceMicrousd),
        ],
        [
          'withdrawn, at the price recorded before',
          eth(exchange.withdrawnWei),
          usd(exchange.withdrawnMicrousd),
        ],
      ],
    ),
    '',
    'Left of lots, in credits, by the week in which they end',
    textTable(
      ['week from', 'lots', 'available', 'held', 'unreleased'],
      cohorts.map(({ week, lots, availableMicrocredits, heldMicrocredits, unreleasedMicrocredits }) => [
        dayOf(week),
        String(lots),
        ...[availableMicrocredits, heldMicrocredits, unreleasedMicrocredits].map(credits),
      ]),
    ),
    '',
    ...untied.map(({ what, found, booked }) => `Does not tie: ${what}: ${found} is not ${booked}`),
    untied.length === 0
      ? `All ${ties.length} figures tie to the trial balance.`
      : `${untied.length} of ${ties.length} figures do not tie: run \`npx credits verify\` and \`npx credits reconcile\`.`,
  ].join('\n');
}

function revenueLines({ days, from, to }: Report): string[] {
  const range = `from ${dayOf(from)} through ${instantText(to)}`;
  if (days.length === 0) return [`No revenue ${range}: nothing had been bought by then.`];
  const columns = [
    'paid',
    'returned',
    'by time',
    'by use',
    'breakage',
    'other',
    'recognised',
    'refunds',
    'fees',
  ];
  return [
    `Revenue in dollars, ${range}`,
    textTable(['day', ...columns, 'deferred'], days.filter(isWorthALine).map(lineOf)),
  ];
}

/** Days on which nothing at all was earned or paid would only fill the screen. */
function isWorthALine({ paid, returned, recognised, fees }: DayOfRevenue): boolean {
  return [paid, returned, recognised, fees].some(amount => amount !== 0n);
}

function lineOf(day: DayOfRevenue): string[] {
  const { paid, returned, byTime, byUse, breakage, settled, closed, recognised, refunded, fees, deferred } =
    day;
  const amounts = [
    paid,
    returned,
    byTime,
    byUse,
    breakage,
    settled + closed,
    recognised,
    refunded,
    fees,
    deferred,
  ];
  return [dayOf(day.day), ...amounts.map(usd)];
}

function dayOf(instant: Instant): string {
  return instantText(instant).slice(0, 10);
}

function usd(amount: bigint): string {
  return decimalText(amount, 'USD');
}

function eth(amount: bigint): string {
  return decimalText(amount, 'ETH');
}

function credits(amount: bigint): string {
  return decimalText(amount, 'CREDIT');
}
