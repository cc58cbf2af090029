/**
 * Chain, Stripe and ledger tied together at an instant. What is recorded is read in one snapshot; then the chain and
 * Stripe are asked, and what they say is compared with it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { StripeAccess } from '../cards/stripe-client.ts';
import { decimalText } from '../core/decimal-text.ts';
import type { Instant } from '../core/instant.ts';
import { type Report, reportIn } from '../reports/report.ts';
import { type Installation, readInstallation } from '../store/installation.ts';
import { readLatestInstant } from '../store/latest-instant.ts';
import { inSnapshot } from '../store/snapshot.ts';
import { type ChainFacts, checkChain, readChainFacts } from './chain-check.ts';
import { type DailyFigures, readDailyFigures } from './daily-figures.ts';
import { type Difference, difference } from './difference.ts';
import { checkLedger, type InFlight } from './ledger-check.ts';
import { type Figure, figure, type PartOutcome } from './part-outcome.ts';
import { checkStripe, readStripeFacts, type StripeFacts } from './stripe-check.ts';

export interface ReconcileOptions {
  /** Now when left out: the database's clock, or the last entry where that is later. */
  readonly at?: Instant | undefined;
  /** An RPC of the chain; without it the chain is not compared. */
  readonly rpcUrl?: string | undefined;
  /** Why there is no RPC, where there is none. */
  readonly whyNoRpc?: string | undefined;
  /** Without it Stripe is not compared. */
  readonly stripe?: StripeAccess | undefined;
  /** So long chain and Stripe may take, each, before they count as not compared; as long as they need when left out. */
  readonly patienceMs?: number | undefined;
  readonly onProgress?:
    | ((part: 'ledger' | 'chain' | 'stripe', done: number, total: number | null) => void)
    | undefined;
}

export interface Reconciliation {
  readonly at: Instant;
  readonly installation: Pick<Installation, 'mode' | 'chainId' | 'paymentAddress'>;
  readonly ledger: Extract<PartOutcome, { status: 'compared' }>;
  readonly chain: PartOutcome;
  readonly stripe: PartOutcome;
  /** What is decided and on its way to customers' books. */
  readonly inFlight: readonly InFlight[];
  readonly differences: readonly Difference[];
  readonly days: readonly DailyFigures[];
  readonly report: Report;
}

interface Read {
  readonly at: Instant;
  readonly installation: Installation;
  readonly ledger: Reconciliation['ledger'];
  readonly inFlight: readonly InFlight[];
  readonly days: readonly DailyFigures[];
  readonly report: Report;
  readonly chainFacts: ChainFacts;
  readonly stripeFacts: StripeFacts;
}

/** Throws when the database cannot be read; what the chain and Stripe do not answer is told as not compared. */
export async function reconcile(pool: pg.Pool, options: ReconcileOptions = {}): Promise<Reconciliation> {
  const { rpcUrl, stripe: access, onProgress = () => {} } = options;
  const read = await readAll(pool, options);
  const { at, installation, ledger, inFlight, days, report } = read;
  const [chain, stripe] = await Promise.all([
    rpcUrl === undefined
      ? notCompared(options.whyNoRpc ?? 'no RPC is named: set BASE_RPC_URL')
      : patiently(
          options.patienceMs,
          checkChain(rpcUrl, installation, read.chainFacts, (done, total) =>
            onProgress('chain', done, total),
          ),
        ),
    access === undefined
      ? notCompared('no key is named: set STRIPE_SECRET_KEY')
      : patiently(
          options.patienceMs,
          checkStripe(access, read.stripeFacts, done => onProgress('stripe', done, null)),
        ),
  ]);
  const differences = [ledger, chain, stripe].flatMap(part =>
    part.status === 'compared' ? part.differences : [],
  );
  const { mode, chainId, paymentAddress } = installation;
  const about = { mode, chainId, paymentAddress };
  return { at, installation: about, ledger, chain, stripe, inFlight, differences, days, report };
}

async function readAll(pool: pg.Pool, { at: given, onProgress }: ReconcileOptions): Promise<Read> {
  return await inSnapshot(pool, async snapshot => {
    const { client, db } = snapshot;
    const installation = await readInstallation(db);
    const { bucketCount } = installation;
    const at = given ?? (await readLatestInstant(client));
    const report = await reportIn({ client, reads: { db, bucketCount } }, { to: at });
    const { differences, inFlight, totals, facts } = await checkLedger(client, {
      installation,
      at,
      trialBalance: report.trialBalance,
      onProgress: (done, total) => onProgress?.('ledger', done, total),
    });
    const untied = report.ties.filter(({ found, booked }) => found !== booked);
    return {
      at,
      installation,
      inFlight,
      report,
      days: await readDailyFigures(client, at),
      chainFacts: await readChainFacts(snapshot, installation, at),
      stripeFacts: await readStripeFacts(snapshot, at),
      ledger: {
        status: 'compared',
        differences: [
          ...differences,
          ...untied.map(({ what, asset, found, booked }) =>
            difference('total_differs', {
              what,
              expected: amountText(booked, asset),
              found: amountText(found, asset),
            }),
          ),
        ],
        figures: [
          figure(
            'facts compared with their entries',
            'count',
            facts,
            'each fact has one entry by its key digest',
          ),
          ...totals.flatMap(({ account, byFacts, booked }) => [
            figure(
              `${account} by the facts`,
              unitOf(account),
              byFacts,
              'sum over the facts that were decided by then',
            ),
            figure(`${account} as booked`, unitOf(account), booked, TRIAL_BALANCE_HOW),
          ]),
          ...report.ties.map(({ what, asset, found, booked }) =>
            figure(
              what,
              'text',
              `${amountText(found, asset)} and ${amountText(booked, asset)}`,
              'found lot by lot, and in the trial balance',
            ),
          ),
        ],
      },
    };
  });
}

const TRIAL_BALANCE_HOW =
  'sum(postings to it) − sum(postings from it) with entries.booked_at by then, and what time had made due';

function amountText(amount: bigint, asset: string): string {
  return `${decimalText(amount, asset)} ${asset}`;
}

function unitOf(account: string): Figure['unit'] {
  return account.startsWith('ETH') ? 'wei' : 'microusd';
}

function notCompared(why: string): PartOutcome {
  return { status: 'not_compared', why };
}

/** What takes longer than there is patience for goes on, but nobody waits for it. */
async function patiently(patienceMs: number | undefined, part: Promise<PartOutcome>): Promise<PartOutcome> {
  if (patienceMs === undefined) return await part;
  const given = new AbortController();
  const late = sleep(patienceMs, notCompared(`it took longer than ${patienceMs / 1000} seconds`), {
    signal: given.signal,
  });
  try {
    return await Promise.race([part, late]);
  } finally {
    given.abort();
    late.catch(() => {});
  }
}
