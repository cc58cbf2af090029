/** `npx credits reconcile`: chain, Stripe and ledger tied together at an instant. */
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { reconciliationJson } from '../api/reconciliation-json.ts';
import {
  type Difference,
  instantText,
  openPool,
  type PartOutcome,
  type Reconciliation,
  reconcile,
  reconciliationCsv,
  reconciliationHtml,
} from '../ledger/index.ts';
import { counted } from './counted.ts';
import { jsonText } from './json-text.ts';
import { startProgress } from './progress.ts';
import { readInstantOption } from './read-options.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { textTable } from './text-table.ts';

/** A fetch waits for the database to sort the postings. */
const QUERY_TIMEOUT_MS = 30 * 60_000;

interface ReconcileArguments {
  readonly at?: string;
  readonly json?: true;
  readonly csv?: string;
  readonly html?: string;
}

export function reconcileCommand(done: (code: number) => void): Command {
  return new Command('reconcile')
    .description(
      'tie chain, Stripe and ledger together at an instant; each difference with its receipt and a likely cause; ends with 1 when there is any',
    )
    .option('--at <instant>', 'the instant, such as 2026-03-01T15:00:00Z; left out: now')
    .option('--json', 'print JSON')
    .option('--csv <file>', 'write differences and figures as CSV')
    .option('--html <file>', 'write one self-contained page with charts, and how each figure was obtained')
    .action(async (given: ReconcileArguments) => done(await reconcileNow(given)));
}

async function reconcileNow({ at, json, csv, html }: ReconcileArguments): Promise<number> {
  const instant = readInstantOption('--at', at);
  return await withSurroundings(async surroundings => {
    const pool = openPool({
      databaseUrl: await surroundings.databaseUrl(),
      role: 'credits_auditor',
      max: 1,
      applicationName: 'credits-reconcile',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
    });
    const progress = {
      ledger: startProgress('buckets of the ledger'),
      chain: startProgress('payments on the chain'),
      stripe: startProgress("movements of Stripe's balance"),
    };
    try {
      const made = await reconcile(pool, {
        at: instant,
        ...(await rpcOf(surroundings)),
        stripe: await stripeOf(surroundings),
        onProgress: (part, done, total) => progress[part].show(done, total),
      });
      progress.ledger.clear();
      if (csv !== undefined) await writeFile(csv, reconciliationCsv(made));
      if (html !== undefined) await writeFile(html, reconciliationHtml(made));
      console.log(json ? jsonText(reconciliationJson(made)) : textOf(made));
      return made.differences.length > 0 ? 1 : 0;
    } finally {
      progress.ledger.clear();
      await pool.end();
    }
  });
}

/** Without an RPC the rest is compared, and why there is none is told. */
async function rpcOf(surroundings: Surroundings): Promise<{ rpcUrl?: string; whyNoRpc?: string }> {
  try {
    return { rpcUrl: await surroundings.rpcUrl() };
  } catch (error) {
    return { whyNoRpc: error instanceof Error ? error.message : String(error) };
  }
}

async function stripeOf(surroundings: Surroundings) {
  const access = await surroundings.stripe();
  return access ? { secretKey: access.secretKey, apiUrl: access.apiUrl ?? undefined } : undefined;
}

function textOf(made: Reconciliation): string {
  const { differences, inFlight } = made;
  return [
    `As of ${instantText(made.at)}`,
    textTable(
      ['part', 'status'],
      [
        ['ledger', statusOf(made.ledger)],
        ['chain', statusOf(made.chain)],
        ['stripe', statusOf(made.stripe)],
      ],
    ),
    '',
    ...differences.flatMap(linesOf),
    ...(inFlight.length === 0 ? [] : [`${inFlight.length} on the way to customers' books.`]),
    differences.length === 0 ? 'No difference.' : `${counted(differences.length, 'difference')}.`,
  ].join('\n');
}

function statusOf(outcome: PartOutcome): string {
  if (outcome.status === 'not_compared') return `not compared: ${outcome.why}`;
  const { length } = outcome.differences;
  return length === 0 ? 'compared, no difference' : `compared, ${length} different`;
}

function linesOf({ part, receipt, entry, what, expected, found, cause }: Difference): string[] {
  const where = [receipt, entry].filter(name => name !== null).join(', ');
  return [
    `${part}: ${where === '' ? '' : `${where}: `}${what}`,
    `  expected ${expected}`,
    `  found    ${found}`,
    `  likely   ${cause}`,
    '',
  ];
}
