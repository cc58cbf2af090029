/** Whether the books tie, and what they come to. */
import { z } from 'zod';
import { CSV_FILES, parseInstant } from '../../ledger/index.ts';
import { account, credits, eth, instant, usd, wei } from './fields.ts';
import { accountParams, atQuery } from './operator-accounts.ts';
import { defineRoute } from './route.ts';

const GROUP = 'Operators';

const figures = z.array(
  z.strictObject({
    what: z.string(),
    unit: z.enum(['wei', 'microusd', 'microcredits', 'count', 'block', 'text']),
    value: z.string(),
    how: z.string().describe('The query, RPC call or request to Stripe that it is from.'),
  }),
);
const part = z.strictObject({
  status: z.enum(['compared', 'not_compared']),
  why: z.string().nullable().describe('Why it was not compared; null where it was.'),
  figures,
});

export const getReconciliation = defineRoute({
  name: 'getReconciliation',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/reconciliation',
  summary: 'Chain, Stripe and ledger tied together at an instant, each difference with a likely cause.',
  detail:
    'Adds up the whole journal. What the chain or Stripe does not answer in 15 seconds is told as not compared: use `npx credits reconcile` then, which waits.',
  caller: 'operator',
  query: atQuery,
  status: 200,
  answer: z.strictObject({
    at: instant,
    ledger: part,
    chain: part,
    stripe: part,
    differences: z.array(
      z.strictObject({
        part: z.enum(['ledger', 'chain', 'stripe']),
        kind: z.string(),
        receipt: z.string().nullable(),
        entry: z.string().nullable(),
        what: z.string(),
        expected: z.string(),
        found: z.string(),
        cause: z.string(),
      }),
    ),
    in_flight: z.array(
      z.strictObject({
        receipt: z.string(),
        kind: z.string(),
        account: z.string(),
        amount_usd: usd,
        decided_at: instant,
      }),
    ),
  }),
});

const flaws = z.array(
  z.strictObject({
    entry: z.string().nullable().describe('Its number; null where no entry is concerned.'),
    what: z.string(),
    expected: z.string(),
    found: z.string(),
  }),
);

const problemsIn = z.array(
  z.strictObject({
    book: z.string().nullable().describe('Null for what belongs to no book, such as the schema.'),
    entry: z.string().nullable(),
    what: z.string(),
    expected: z.string(),
    found: z.string(),
  }),
);

export const getJournalVerification = defineRoute({
  name: 'getJournalVerification',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/verification',
  summary: 'Whether every book is as it was sealed, and the schema the one that guards it.',
  detail:
    'What `npx credits verify` does. Reads the whole journal: on a long one use the command, which shows how far it is.',
  caller: 'operator',
  status: 200,
  answer: z.strictObject({
    books: z.int(),
    entries: z.int(),
    postings: z.int(),
    problems: problemsIn.describe('The first of each book.'),
  }),
});

export const getReplay = defineRoute({
  name: 'getReplay',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/replay',
  summary:
    'Every book made again out of recorded facts and commands, and compared; as of an instant, or now.',
  detail: 'What `npx credits replay` does. Reads the whole journal: on a long one use the command.',
  caller: 'operator',
  query: atQuery,
  status: 200,
  answer: z.strictObject({
    books: z.int(),
    entries: z.int(),
    commands: z.int().describe('How many facts and commands the books were made of.'),
    differences: problemsIn,
  }),
});

const block = z
  .string('must be given once')
  .regex(/^\d{1,15}$/, 'must be the number of a block, such as "21000000"')
  .transform(BigInt)
  .optional();

/** How many blocks one request may look at. */
const AUDIT_BLOCKS_MAX = 100_000;

export const getChainAudit = defineRoute({
  name: 'getChainAudit',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/chain-audit',
  summary: "What the chain's own history has of the payment address, compared with what is recorded.",
  detail:
    'What `npx credits audit-chain` does, for so many blocks at a time: ask again with `from` as `next` says, until that is null. The RPC must be an archive node that traces; where it has no history, `found` is null and `doubts` say so.',
  caller: 'operator',
  query: z.strictObject({
    from: block.describe('The block after which to begin; that at which the books opened when left out.'),
    to: block.describe('The last block; the last one that is finally taken in when left out.'),
    limit: z
      .string('must be given once')
      .regex(/^[1-9]\d{0,5}$/, `must be a whole number from 1 to ${AUDIT_BLOCKS_MAX}`)
      .transform(Number)
      .refine(limit => limit <= AUDIT_BLOCKS_MAX, `must be a whole number from 1 to ${AUDIT_BLOCKS_MAX}`)
      .default(10_000)
      .describe(`How many blocks to look at, from 1 to ${AUDIT_BLOCKS_MAX}.`),
  }),
  status: 200,
  answer: z.strictObject({
    after: z.string().describe('The blocks after this one were looked at,'),
    through: z.string().describe('up to this one.'),
    next: z
      .string()
      .nullable()
      .describe('The `from` of the next request; null when there are no more blocks.'),
    is_proven: z.boolean().describe('Whether it is proven that nothing else happened in these blocks.'),
    doubts: z.array(z.string()).describe('Why it is not, a sentence each.'),
    found: z
      .strictObject({
        blocks_found: z.int().describe('Blocks that changed the address.'),
        points: z.int().describe('Balances, nonces and codes at one block each that were looked at,'),
        points_bound: z.int().describe('and how many may be at most.'),
        opening_wei: wei,
        arrived_wei: wei,
        minted_wei: wei,
        withdrawn_wei: wei,
        fees_wei: wei,
        unexplained_wei: wei,
        closing_wei: wei,
        receipts_on_chain: z.int(),
        receipts_agreed: z.int(),
        receipts_agreed_otherwise: z.int().describe('One by one, or by the balance alone.'),
        outgoing: z.int(),
        outgoing_not_recorded_yet: z.int(),
        differences: z.array(
          z.strictObject({
            kind: z.enum(['missing', 'extra', 'altered']),
            of: z.string(),
            id: z.string(),
            block: z.string(),
            amount_wei: wei,
            fields: z.array(
              z.strictObject({ field: z.string(), recorded: z.string(), on_chain: z.string() }),
            ),
            cause: z.string(),
          }),
        ),
      })
      .nullable(),
  }),
  problems: ['not_found'],
});

const csvTables = CSV_FILES.map(file => file.replace('.csv', ''));

export const exportJournal = defineRoute({
  name: 'exportJournal',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/export',
  summary: 'The journal for hledger or beancount, or a table of it as CSV.',
  detail:
    'What `npx credits export` does, as a stream; one at a time. An answer that is cut off ends without its last chunk. The archive, `jsonl`, is the command’s alone: it has hashes of keys and the secrets of webhooks in it.',
  caller: 'operator',
  query: z
    .strictObject({
      format: z.enum(['hledger', 'beancount', 'csv'], 'must be hledger, beancount or csv'),
      table: z
        .enum(csvTables, `must be one of ${csvTables.join(', ')}`)
        .optional()
        .describe('With csv: which file. `columns` says what every column means.'),
      ...atQuery.shape,
      account: account.optional().describe('The book of this account only.'),
    })
    .refine(query => (query.format === 'csv') === (query.table !== undefined), {
      path: ['table'],
      error: 'goes with the format csv, which has one table at a time',
    }),
  status: 200,
  mediaType: 'text/plain',
  otherMediaTypes: ['text/csv'],
});

export const getVerification = defineRoute({
  name: 'getVerification',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/accounts/{account}/verification',
  summary: 'Whether the book of an account is as it was sealed, and the same when it is made again.',
  detail:
    'What `npx credits verify` and `npx credits replay` do, for one account: hashes, balances and lots are recomputed from the entries, and the entries from recorded facts and commands.',
  caller: 'operator',
  params: accountParams,
  status: 200,
  answer: z.strictObject({
    account: z.string(),
    entries: z.int(),
    problems: flaws.describe('In which the book is not what its entries add up to.'),
    differences: flaws.describe('In which it is not what facts and commands lead to.'),
  }),
  problems: ['not_found'],
});

/** 00:00:00 UTC of a day; undefined where that is none. */
const day = z
  .string('must be given once')
  .transform((text, context) => {
    try {
      if (!/^\d{4}-\d\d-\d\d$/.test(text)) throw new Error('no day');
      return parseInstant(`${text}T00:00:00Z`);
    } catch {
      context.addIssue('must be a day, such as "2026-03-01"');
      return z.NEVER;
    }
  })
  .optional();

const revenue = {
  paid_usd: usd,
  returned_usd: usd,
  by_time_usd: usd,
  by_use_usd: usd,
  breakage_usd: usd,
  settled_usd: usd.describe('Of credits that had been used before they were paid for.'),
  closed_usd: usd.describe('What was left of lots that lost their face.'),
  recognised_usd: usd,
  refunded_usd: usd,
  deferred_usd: usd,
  fees_usd: usd,
};

export const getReport = defineRoute({
  name: 'getReport',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/report',
  summary: 'Deferred and recognised revenue by UTC day, the exchange result, fees, and what is left of lots.',
  detail: 'Every figure is tied to the trial balance of the same instant: `ties` says to which.',
  caller: 'operator',
  query: z.strictObject({
    from: day.describe('The first day, such as 2026-03-01; the first with any revenue when left out.'),
    to: day.describe('The last day; today, up to now, when left out.'),
  }),
  status: 200,
  answer: z.strictObject({
    from: z.string(),
    to: instant,
    days: z.array(z.strictObject({ day: z.string(), ...revenue })),
    total: z.strictObject(revenue).describe('Since the beginning of the ledger.'),
    exchange: z.strictObject({
      acquired_eth: eth,
      credited_usd: usd,
      at_block_price_usd: usd,
      at_last_price_usd: usd.nullable(),
      withdrawn_eth: eth,
      withdrawn_usd: usd,
    }),
    cohorts: z.array(
      z.strictObject({
        week: z.string().describe('The Monday of the week in which they end.'),
        lots: z.int(),
        available: credits,
        held: credits,
        unreleased: credits,
      }),
    ),
    ties: z.array(
      z.strictObject({ what: z.string(), found: z.string(), booked: z.string(), holds: z.boolean() }),
    ),
  }),
});
