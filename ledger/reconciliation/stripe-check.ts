/** The facts against Stripe: what moved because of each payment, by the balance transactions of the account. */
import Stripe from 'stripe';
import { cardReceiptId } from '../cards/apply-payment.ts';
import { openStripe, type StripeAccess } from '../cards/stripe-client.ts';
import { MICROUSD_PER_CENT } from '../core/amount.ts';
import { type Instant, MICROSECONDS_PER_SECOND } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Snapshot } from '../store/snapshot.ts';
import { type Difference, difference } from './difference.ts';
import { figure, type PartOutcome } from './part-outcome.ts';

/** What moved because of one payment, in micro-dollars. */
export interface Moved {
  readonly paid: bigint;
  readonly refunded: bigint;
  readonly withdrawn: bigint;
  readonly reinstated: bigint;
  readonly fee: bigint;
}

const FIELDS = ['paid', 'refunded', 'withdrawn', 'reinstated', 'fee'] as const;
const NOTHING: Moved = { paid: 0n, refunded: 0n, withdrawn: 0n, reinstated: 0n, fee: 0n };

interface RecordedPayment {
  payment_intent_id: string;
  suspense_reason: string | null;
  decided_at: Instant;
  paid: bigint;
  refunded: bigint;
  withdrawn: bigint;
  reinstated: bigint;
  fee: bigint;
}

/** What the ledger has recorded of Stripe. */
export interface StripeFacts {
  /** Every version of every payment, by payment, the oldest first. */
  readonly payments: ReadonlyMap<string, readonly RecordedPayment[]>;
  /** The sessions that this system made. */
  readonly sessions: ReadonlySet<string>;
  readonly at: Instant;
}

/** Reads what is compared with Stripe, so that nothing is read while Stripe is asked. */
export async function readStripeFacts({ client }: Snapshot, at: Instant): Promise<StripeFacts> {
  const { rows } = await client.query<RecordedPayment>(
    `select payment_intent_id, suspense_reason, decided_at, paid_microusd as paid, refunded_microusd as refunded,
       withdrawn_microusd as withdrawn, reinstated_microusd as reinstated, fee_microusd as fee
     from card_payments order by payment_intent_id, version`,
  );
  const sessions = await client.query<{ session_id: string }>('select session_id from order_checkouts');
  return {
    payments: Map.groupBy(rows, row => row.payment_intent_id),
    sessions: new Set(sessions.rows.map(row => row.session_id)),
    at,
  };
}

const HOW =
  'GET /v1/balance_transactions?expand[]=data.source, created by then, by the payment of their sources';

/** Compares with Stripe's lists. Never rejects because of Stripe: what cannot be asked is told as not compared. */
export async function checkStripe(
  access: StripeAccess,
  facts: StripeFacts,
  onProgress: (transactionsDone: number) => void = () => {},
): Promise<PartOutcome> {
  try {
    const stripe = openStripe(access);
    const moved = await readMoved(stripe, facts.at, onProgress);
    const { differences, inFlight, ours } = await compare(stripe, facts, moved);
    const total = (field: keyof Moved) => [...ours.values()].reduce((sum, one) => sum + one[field], 0n);
    return {
      status: 'compared',
      differences,
      figures: [
        figure('payments compared', 'count', ours.size, HOW),
        ...FIELDS.map(field => figure(field, 'microusd', total(field), HOW)),
        figure(
          'noticed only later',
          'count',
          inFlight,
          'a later version of card_payments says what Stripe said then',
        ),
      ],
    };
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    return { status: 'not_compared', why: `Stripe could not be asked: ${error.type}` };
  }
}

/** What Stripe's balance had of each payment by then. */
async function readMoved(
  stripe: Stripe,
  at: Instant,
  onProgress: (transactionsDone: number) => void,
): Promise<Map<string, Moved>> {
  const moved = new Map<string, Moved>();
  const failed = new Map<string, { intent: string; transactions: number; fee: bigint }>();
  const add = (intent: string, part: Partial<Moved>) =>
    moved.set(intent, added(moved.get(intent) ?? NOTHING, part));
  let done = 0;
  const created = { lte: Number(at / MICROSECONDS_PER_SECOND) };
  for await (const transaction of stripe.balanceTransactions.list({
    created,
    limit: 100,
    expand: ['data.source'],
  })) {
    done += 1;
    onProgress(done);
    const { source } = transaction;
    if (typeof source !== 'object' || source === null) continue;
    const intent = intentOf(source);
    if (intent === null) continue;
    const fee = cents(transaction.fee);
    if (source.object === 'charge' && source.status === 'failed') {
      const before = failed.get(source.id) ?? { intent, transactions: 0, fee: 0n };
      failed.set(source.id, { intent, transactions: before.transactions + 1, fee: before.fee + fee });
      continue;
    }
    const part = partOf(transaction, source);
    if (part !== null) add(intent, { ...part, fee });
  }
  // Of a debit that failed nothing is left but the fee, once what undoes it is there; before, it was under way.
  for (const { intent, transactions, fee } of failed.values()) if (transactions > 1) add(intent, { fee });
  return moved;
}

function intentOf(source: object): string | null {
  const { payment_intent: intent } = source as { payment_intent?: string | { id: string } | null };
  return typeof intent === 'object' && intent !== null ? intent.id : (intent ?? null);
}

/** What a movement is; null for a debit that is under way, of which nobody knows what it becomes. */
function partOf(transaction: Stripe.BalanceTransaction, source: { object: string }): Partial<Moved> | null {
  const amount = cents(transaction.amount);
  switch (source.object) {
    case 'charge':
      return (source as Stripe.Charge).status === 'succeeded' ? { paid: amount } : null;
    case 'refund':
      return { refunded: -amount };
    case 'dispute':
      return amount < 0n ? { withdrawn: -amount } : { reinstated: amount };
    default:
      return null;
  }
}

async function compare(stripe: Stripe, facts: StripeFacts, moved: ReadonlyMap<string, Moved>) {
  const differences: Difference[] = [];
  const ours = new Map<string, Moved>();
  let inFlight = 0;
  for (const [intent, versions] of facts.payments) {
    const known = versions.findLast(({ decided_at }) => decided_at <= facts.at);
    const said = moved.get(intent) ?? NOTHING;
    // Amounts in another currency are no dollars: they are recorded as nothing, and a person looks.
    if (versions.some(({ suspense_reason }) => suspense_reason === 'currency')) continue;
    ours.set(intent, said);
    if (isSame(known ?? NOTHING, said)) continue;
    if (versions.some(one => one.decided_at > facts.at && isSame(one, said))) inFlight += 1;
    else differences.push(differing(intent, known, said, moved.has(intent), facts.at));
  }
  for (const [intent, said] of moved) {
    if (facts.payments.has(intent) || !(await isOurs(stripe, intent, facts))) continue;
    ours.set(intent, said);
    differences.push(
      difference('stripe_not_noticed', {
        receipt: cardReceiptId(intent),
        what: 'nothing is recorded of the payment, in micro-dollars',
        expected: textOf(said),
        found: 'nothing',
      }),
    );
  }
  return { differences, inFlight, ours };
}

function differing(
  intent: string,
  known: RecordedPayment | undefined,
  said: Moved,
  isKnownToStripe: boolean,
  at: Instant,
): Difference {
  return difference(isKnownToStripe ? 'stripe_differs' : 'stripe_unknown', {
    receipt: cardReceiptId(intent),
    what: `what moved because of the payment by ${instantText(at)}, in micro-dollars`,
    expected: textOf(said),
    found: known ? textOf(known) : 'nothing',
  });
}

/** Whether a session of ours led to the payment: others may use the same Stripe account. */
async function isOurs(stripe: Stripe, intent: string, { sessions }: StripeFacts): Promise<boolean> {
  for await (const { id } of stripe.checkout.sessions.list({ payment_intent: intent, limit: 100 }))
    if (sessions.has(id)) return true;
  return false;
}

function isSame(one: Moved, other: Moved): boolean {
  return FIELDS.every(field => one[field] === other[field]);
}

function added(a: Moved, b: Partial<Moved>): Moved {
  return Object.fromEntries(FIELDS.map(field => [field, a[field] + (b[field] ?? 0n)])) as unknown as Moved;
}

function textOf(moved: Moved): string {
  return FIELDS.map(field => `${field} ${moved[field]}`).join(', ');
}

function cents(amount: number): bigint {
  return BigInt(amount) * MICROUSD_PER_CENT;
}
