/**
 * The ledger against itself: every fact has its entry, every entry its fact, every payment its effect in the customer's
 * book, and the balances are what the facts come to. Bucket by bucket; in memory are the facts of one bucket, and a short
 * text for each effect.
 */
import type pg from 'pg';
import { accountName, bookName } from '../core/account-id.ts';
import { microusdOfWeiTimesAnswer } from '../core/amount.ts';
import { treasuryAccount } from '../core/chart.ts';
import { HOUR, type Instant } from '../core/instant.ts';
import type { Posting } from '../core/journal.ts';
import type { AccountBalance } from '../reads/trial-balance.ts';
import {
  type Contradiction,
  type CustomerConsequence,
  consequencesOf,
  type SystemConsequence,
} from '../replay/consequences.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { Installation } from '../store/installation.ts';
import { ACCOUNT_OF_KEY, plainDigest } from '../store/posted-entries.ts';
import type { OutboxTable } from '../store/tables.ts';
import { type BucketFacts, type PriceFacts, readBucketFacts, type StoredEntry } from './bucket-facts.ts';
import { type Difference, difference } from './difference.ts';

export interface LedgerCheckOptions {
  readonly installation: Installation;
  readonly at: Instant;
  /** As of `at`. */
  readonly trialBalance: readonly AccountBalance[];
  readonly onProgress?: ((bucketsDone: number, buckets: number) => void) | undefined;
}

export type EffectKind = 'purchase' | 'clawback' | 'restoration';

/** A payment's effect that is decided and not in the customer's book by the instant. */
export interface InFlight {
  readonly receipt: string;
  readonly kind: EffectKind;
  readonly account: string;
  readonly amountMicrousd: bigint;
  readonly decidedAt: Instant;
}

/** A balance, by the facts and by the journal. */
export interface FactTotal {
  readonly account: string;
  readonly byFacts: bigint;
  readonly booked: bigint;
}

export interface LedgerCheck {
  readonly differences: Difference[];
  readonly inFlight: InFlight[];
  readonly totals: FactTotal[];
  /** How many facts were compared with the journal. */
  readonly facts: number;
}

/** An effect may be on its way so long before a person must know. */
const WAITING_MAX = HOUR;

export async function checkLedger(client: pg.ClientBase, options: LedgerCheckOptions): Promise<LedgerCheck> {
  const outbox = await readOutbox(client);
  const check = new Check(client, options, outbox);
  const { bucketCount } = options.installation;
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    await check.bucket(bucket, await readBucketFacts(client, bucket));
    options.onProgress?.(bucket + 1, bucketCount);
  }
  await check.effectsWithoutFacts();
  check.outbox();
  await check.lots();
  return check.result();
}

type OutboxRow = Omit<OutboxTable, 'paid_at' | 'decided_at'> & { readonly decided_at: Instant };

interface PostedEffect {
  account_id: bigint;
  seq: bigint;
  kind: string;
  key_digest: string;
  booked_at: Instant;
  /** What it took out of USD:clearing; less than 0 where it put something in. */
  cleared: bigint;
}

const OUTBOX_KEY = ({ receipt_id, version, action }: Pick<OutboxRow, 'receipt_id' | 'version' | 'action'>) =>
  `${action} ${receipt_id} ${version}`;

class Check {
  readonly #client: pg.ClientBase;
  readonly #options: LedgerCheckOptions;
  readonly #outbox: ReadonlyMap<string, OutboxRow>;
  readonly #differences: Difference[] = [];
  readonly #inFlight: InFlight[] = [];
  readonly #byFacts = new Map<string, bigint>();
  /** `account:seq` of every effect that a fact leads to. */
  readonly #known = new Set<string>();
  /** Of the outbox, what a fact leads to. */
  readonly #delivered = new Set<string>();
  #facts = 0;

  constructor(client: pg.ClientBase, options: LedgerCheckOptions, outbox: readonly OutboxRow[]) {
    this.#client = client;
    this.#options = options;
    this.#outbox = new Map(outbox.map(row => [OUTBOX_KEY(row), row]));
  }

  async bucket(bucket: number, read: BucketFacts): Promise<void> {
    const expected = consequencesOf(read.facts, this.#options.installation);
    this.#facts += expected.system.size + expected.customer.size;
    this.#receipts(read);
    for (const one of expected.contradictions) this.#contradiction(one);
    for (const one of read.prices) this.#price(one);
    this.#entries(bucket, [...expected.system.values()], read.entries);
    const effects = [...expected.customer.values()];
    for (let from = 0; from < effects.length; from += BATCH)
      await this.#effects(effects.slice(from, from + BATCH));
  }

  #contradiction({ receiptId: receipt, why: found }: Contradiction): void {
    const what = 'its versions contradict each other';
    this.#differences.push(
      difference('entry_differs', { receipt, what, expected: 'one amount paid', found }),
    );
  }

  #receipts({ receiptIds, facts: { inclusions, cards } }: BucketFacts): void {
    const told = new Set([...inclusions, ...cards].map(({ receiptId }) => receiptId));
    for (const receipt of receiptIds)
      if (!told.has(receipt))
        this.#differences.push(
          difference('receipt_without_facts', {
            receipt,
            what: 'nothing is recorded of this receipt',
            expected: 'where the chain has it, or what Stripe says',
            found: 'nothing',
          }),
        );
    for (const receipt of told)
      if (!receiptIds.has(receipt))
        this.#differences.push(
          difference('facts_without_receipt', {
            receipt,
            what: 'there is no such receipt',
            expected: 'a receipt',
            found: 'only what is said of it',
          }),
        );
  }

  /** The price record must be worth what it says, by its own answers. */
  #price({ receiptId, amountWei, answer, quoteAnswer, quotedWei, amountMicrousd }: PriceFacts): void {
    const byBlock = (amountWei - quotedWei) * answer;
    const worth = microusdOfWeiTimesAnswer(quotedWei * (quoteAnswer ?? 0n) + byBlock);
    if (worth === amountMicrousd) return;
    this.#differences.push(
      difference('price_differs', {
        receipt: receiptId,
        what: 'the price record is not worth what it says, in micro-dollars',
        expected: worth,
        found: amountMicrousd,
      }),
    );
  }

  #entries(bucket: number, expected: readonly SystemConsequence[], stored: readonly StoredEntry[]): void {
    const byDigest = new Map(stored.map(entry => [entry.keyDigest, entry]));
    for (const one of expected) {
      const { kind, identity, postings } = one.entry;
      const entry = byDigest.get(identity.keyDigest);
      byDigest.delete(identity.keyDigest);
      if (isBy(entry?.bookedAt ?? one.decidedAt, this.#options.at)) this.#add(postings);
      if (!entry) {
        if (isBy(one.decidedAt, this.#options.at)) this.#missing(one);
        continue;
      }
      const texts = postings.map(textOf);
      if (entry.kind === kind && entry.postings.join() === texts.join()) continue;
      this.#differences.push(
        difference('entry_differs', {
          receipt: one.fact,
          entry: `${one.book}:${entry.seq}`,
          what: `the ${kind} entry does not post what is recorded`,
          expected: texts.join('; '),
          found: `${entry.kind === kind ? '' : `${entry.kind}: `}${entry.postings.join('; ')}`,
        }),
      );
    }
    for (const entry of byDigest.values()) {
      if (entry.kind === 'operator_action' || !isBy(entry.bookedAt, this.#options.at)) continue;
      this.#differences.push(
        difference('entry_without_fact', {
          receipt: receiptIn(entry.details),
          entry: `${bookName(bucket, 0n)}:${entry.seq}`,
          what: `the ${entry.kind} entry rests on nothing that is recorded`,
          expected: 'a fact',
          found: entry.postings.join('; '),
        }),
      );
    }
  }

  #missing({ book, fact, entry }: SystemConsequence): void {
    this.#differences.push(
      difference('entry_missing', {
        receipt: fact,
        what: `${book} has no ${entry.kind} entry of it`,
        expected: entry.postings.map(textOf).join('; '),
        found: 'none',
      }),
    );
  }

  async #effects(expected: readonly CustomerConsequence[]): Promise<void> {
    const posted = await this.#find(expected);
    for (const one of expected) {
      const entry = posted.get(`${one.accountId} ${one.keyDigest}`);
      const row = this.#outbox.get(
        OUTBOX_KEY({ receipt_id: one.receiptId, version: one.version, action: kindOf(one) }),
      );
      if (row) this.#delivered.add(OUTBOX_KEY(row));
      if (entry) this.#known.add(`${one.accountId}:${entry.seq}`);
      this.#effect(one, entry, row);
    }
  }

  #effect(one: CustomerConsequence, entry: PostedEffect | undefined, row: OutboxRow | undefined): void {
    const { at } = this.#options;
    const { receiptId: receipt, accountId, amountMicrousd, decidedAt } = one;
    const kind = kindOf(one);
    const account = accountName(accountId);
    const cleared = kind === 'clawback' ? -amountMicrousd : amountMicrousd;
    if (entry) {
      if (isBy(entry.booked_at, at)) this.#move('USD:clearing', cleared);
      else if (isBy(decidedAt, at))
        this.#inFlight.push({ receipt, kind, account, amountMicrousd, decidedAt });
      if (entry.kind === kind && entry.cleared === cleared) return;
      this.#differences.push(
        difference('effect_differs', {
          receipt,
          entry: `${account}:${entry.seq}`,
          what: `the ${kind} entry is not of the amount that is recorded, in micro-dollars`,
          expected: cleared,
          found: `${entry.kind === kind ? '' : `${entry.kind}: `}${entry.cleared}`,
        }),
      );
      return;
    }
    if (!isBy(decidedAt, at)) return;
    this.#inFlight.push({ receipt, kind, account, amountMicrousd, decidedAt });
    if (!row)
      this.#differences.push(
        difference('effect_missing', {
          receipt,
          what: `the ${kind} is neither in the book of ${account} nor on its way there`,
          expected: `${amountMicrousd} micro-dollars`,
          found: 'nothing',
        }),
      );
    else if (row.amount_microusd !== amountMicrousd || row.account_id !== accountId)
      this.#differences.push(
        difference('effect_differs', {
          receipt,
          what: `the outbox has another ${kind} than is recorded`,
          expected: `${amountMicrousd} micro-dollars to ${account}`,
          found: `${row.amount_microusd} micro-dollars to ${accountName(row.account_id)}`,
        }),
      );
    else if (at - decidedAt > WAITING_MAX)
      this.#differences.push(
        difference('effect_waiting', {
          receipt,
          what: `the ${kind} waits in the outbox`,
          expected: 'delivered within an hour',
          found: `${(at - decidedAt) / HOUR} hours`,
        }),
      );
  }

  async #find(expected: readonly CustomerConsequence[]): Promise<Map<string, PostedEffect>> {
    const { rows } = await this.#client.query<PostedEffect>(
      `select e.account_id, e.seq, e.kind, e.key_digest, e.booked_at, ${CLEARED} as cleared
       from unnest($1::smallint[], $2::bigint[], $3::uuid[]) as wanted (bucket, account_id, key_digest)
       join entries e on e.bucket = wanted.bucket and ${ACCOUNT_OF_KEY} = wanted.account_id
         and e.key_digest = wanted.key_digest`,
      [
        expected.map(({ accountId }) => bucketOfAccount(accountId, this.#options.installation.bucketCount)),
        expected.map(({ accountId }) => String(accountId)),
        expected.map(({ keyDigest }) => keyDigest),
      ],
    );
    return new Map(rows.map(row => [`${row.account_id} ${plainDigest(row.key_digest)}`, row]));
  }

  /** What customers' books have of payments that nothing recorded leads to. */
  async effectsWithoutFacts(): Promise<void> {
    const { rows } = await this.#client.query<{
      account_id: bigint;
      seq: bigint;
      kind: string;
      details: string | null;
      cleared: bigint;
      booked_at: Instant;
    }>(
      `select e.account_id, e.seq, e.kind, e.details, e.booked_at, ${CLEARED} as cleared from entries e
       where e.account_id > 0 and e.kind in ('purchase', 'clawback', 'restoration')
       order by e.bucket, e.account_id, e.seq`,
    );
    for (const { account_id, seq, kind, details, cleared, booked_at } of rows) {
      if (this.#known.has(`${account_id}:${seq}`) || !isBy(booked_at, this.#options.at)) continue;
      this.#differences.push(
        difference('effect_without_fact', {
          receipt: receiptIn(details),
          entry: `${accountName(account_id)}:${seq}`,
          what: `nothing recorded leads to the ${kind}`,
          expected: 'a payment',
          found: `${cleared} micro-dollars`,
        }),
      );
    }
  }

  outbox(): void {
    for (const [key, row] of this.#outbox)
      if (!this.#delivered.has(key))
        this.#differences.push(
          difference('outbox_orphaned', {
            receipt: row.receipt_id,
            what: `nothing recorded leads to the ${row.action} in the outbox`,
            expected: 'no such row',
            found: `${row.amount_microusd} micro-dollars to ${accountName(row.account_id)}`,
          }),
        );
  }

  /** What the table of lots says they hold, and what was posted of them last. As of now: it has no past. */
  async lots(): Promise<void> {
    const { rows } = await this.#client.query<LotRow>(LOTS_THAT_DIFFER);
    for (const { account_id, lot_id, details, stored, posted } of rows)
      this.#differences.push(
        difference('lot_differs', {
          receipt: receiptIn(details),
          entry: `${accountName(account_id)}:${lot_id}`,
          what: 'the lot does not hold what was posted of it: available, held, unreleased, deferred',
          expected: posted,
          found: stored,
        }),
      );
  }

  result(): LedgerCheck {
    const { trialBalance, installation } = this.#options;
    const treasury = treasuryAccount(installation.chainId, installation.paymentAddress);
    const booked = (account: string) => trialBalance.find(row => row.account === account)?.balance ?? 0n;
    const totals = [...FACT_ACCOUNTS, treasury].map(account => ({
      account,
      byFacts: this.#byFacts.get(account) ?? 0n,
      booked: booked(account),
    }));
    const wrong = totals.filter(({ byFacts, booked: balance }) => byFacts !== balance);
    return {
      differences: [
        ...this.#differences,
        ...wrong.map(({ account, byFacts, booked: found }) =>
          difference('total_differs', {
            what: `${account}, by the facts and as booked`,
            expected: byFacts,
            found,
          }),
        ),
        ...assetSums(trialBalance),
      ],
      inFlight: this.#inFlight,
      totals,
      facts: this.#facts,
    };
  }

  #add(postings: readonly Posting[]): void {
    for (const { from, to, amount } of postings) {
      this.#move(from, -amount);
      this.#move(to, amount);
    }
  }

  #move(account: string, amount: bigint): void {
    this.#byFacts.set(account, (this.#byFacts.get(account) ?? 0n) + amount);
  }
}

/** What only system books and payments move: the facts say all of it. */
const FACT_ACCOUNTS = [
  ...(['ETH:suspense', 'ETH:trading', 'ETH:withdrawals', 'ETH:gas'] as const),
  ...(['USD:trading', 'USD:cash:stripe', 'USD:fees', 'USD:suspense', 'USD:clearing'] as const),
];

const BATCH = 1000;

const CLEARED = `(select coalesce(sum(case when p.to_code = 2100 then p.amount when p.from_code = 2100 then -p.amount end), 0)
  from postings p where p.bucket = e.bucket and p.account_id = e.account_id and p.seq = e.seq
    and 2100 in (p.from_code, p.to_code))`;

interface LotRow {
  account_id: bigint;
  lot_id: bigint;
  details: string | null;
  stored: string;
  posted: string;
}

const LOTS_THAT_DIFFER = `
  select * from (
    select l.account_id, l.lot_id, e.details,
      concat_ws(', ', l.available_microcredits, l.held_microcredits, l.unreleased_microcredits, l.deferred_microusd)
        as stored,
      concat_ws(', ', p.available, p.held, p.unreleased, d.deferred) as posted
    from lots l
    left join entries e on e.bucket = l.bucket and e.account_id = l.account_id and e.seq = l.lot_id
    left join lateral (
      select p.lot_available_after_microcredits as available, p.lot_held_after_microcredits as held,
        p.lot_unreleased_after_microcredits as unreleased
      from postings p where p.bucket = l.bucket and p.account_id = l.account_id and p.lot_id = l.lot_id
      order by p.seq desc, p.line desc limit 1) p on true
    cross join lateral (
      select coalesce(sum(case when p.from_code = 2200 then p.amount else -p.amount end), 0) as deferred
      from postings p where p.bucket = l.bucket and p.account_id = l.account_id and p.lot_id = l.lot_id
        and 2200 in (p.from_code, p.to_code)) d) compared
  where stored <> posted
  order by account_id, lot_id`;

async function readOutbox(client: pg.ClientBase): Promise<OutboxRow[]> {
  const { rows } = await client.query<OutboxRow>('select * from outbox order by bucket, receipt_id, version');
  return rows;
}

function assetSums(trialBalance: readonly AccountBalance[]): Difference[] {
  const sums = new Map<string, bigint>();
  for (const { account, balance } of trialBalance) {
    const asset = account.slice(0, account.indexOf(':'));
    sums.set(asset, (sums.get(asset) ?? 0n) + balance);
  }
  return [...sums]
    .filter(([, sum]) => sum !== 0n)
    .map(([asset, found]) =>
      difference('total_differs', { what: `all accounts of ${asset} together`, expected: 0n, found }),
    );
}

function kindOf({ effect }: CustomerConsequence): EffectKind {
  return effect === 'receipt' ? 'purchase' : effect;
}

function isBy(instant: Instant, at: Instant): boolean {
  return instant <= at;
}

function textOf({ from, to, amount }: Posting): string {
  return `${from} ${to} ${amount}`;
}

/** The receipt that the details of an entry name; null where they name none, or cannot be read. */
function receiptIn(details: string | null): string | null {
  try {
    const { receipt } = JSON.parse(details ?? '{}') as { receipt?: unknown };
    return typeof receipt === 'string' ? receipt : null;
  } catch {
    return null;
  }
}
