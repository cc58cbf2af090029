/** What operators do is sealed in the journal, in the transaction that does it: together or not at all. */
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { verifyIn, verifyJournal } from '../../../ledger/audit/verify.ts';
import { accountName, bookName } from '../../../ledger/core/account-id.ts';
import { assignReceipt } from '../../../ledger/intake/assign-receipt.ts';
import { priceReceipt } from '../../../ledger/intake/price-receipt.ts';
import {
  makeServiceToken,
  makeTokenByHand,
  type OperatorWord,
  readServices,
  readTokens,
  registerService,
  revokeToken,
} from '../../../ledger/operators/service-tokens.ts';
import { Rates } from '../../../ledger/rates/rates.ts';
import { readOperatorActions } from '../../../ledger/reads/operator-actions.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import type { Tables } from '../../../ledger/store/tables.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, IntakeSteps } from '../../support/intake-steps.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');

let database: TestDatabase;
let steps: IntakeSteps;
let auditor: pg.Pool;
/** For what no part may do. */
let ownerPool: pg.Pool;
let ownerDb: Kysely<Tables>;
beforeAll(async () => {
  database = await createDatabase();
  steps = await IntakeSteps.open(database.url, START);
  auditor = openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 1 });
  ownerPool = openPool({ databaseUrl: database.url, max: 1 });
  ownerDb = openKysely(ownerPool);
});
afterAll(async () => {
  await Promise.all([steps?.close(), auditor?.end(), ownerPool?.end()]);
  await database?.drop();
});
beforeEach(() => steps.startOver(START));

const context = () => ({ ...steps.context, ...steps.doors });
const word = (reason: string): OperatorWord => ({ operator: 'ops', reason, now: steps.now });

async function actions() {
  return (await readOperatorActions(steps.db, { limit: 50 })).actions;
}

/** A payment that is nobody's, and an account to give it to. */
async function stray() {
  const transfer = steps.transfer(null);
  await steps.record(transfer);
  const standing = await steps.standing(transfer);
  const { accountId } = await steps.order(1n);
  return { standing, accountId };
}

async function assign({ standing, accountId }: Awaited<ReturnType<typeof stray>>, reason = 'their mail') {
  const { receiptId } = standing;
  const request = { receiptId, accountId, matchedBy: 'operator', operator: 'ops', reason } as const;
  return await assignReceipt(steps.context, { ...request, now: steps.now });
}

async function publish(version: number) {
  const { codes, poster, now } = steps.context;
  const rates = new Rates({ ...steps.doors, codes, poster, now });
  const prices = [{ model: 'large', microcredits: { images: 5n, seconds: 7n } }];
  return await rates.publish({ version, prices, operator: 'ops', reason: 'spring' });
}

const byOperator = { answer: ANSWER, operator: 'ops', reason: 'the feed is down', late: true } as const;

/** Each action with how it is done, and what is sealed of it. */
const ACTIONS: {
  readonly title: string;
  readonly act: () => Promise<unknown>;
  readonly sealed: readonly object[];
  /** The table that the action itself writes. */
  readonly table: string;
}[] = [
  {
    title: 'assigning a receipt without a price',
    act: async () => assign(await stray()),
    sealed: [{ action: 'assign_receipt', operator: 'ops', reason: 'their mail' }],
    table: 'assignments',
  },
  {
    title: 'assigning a receipt that has its price',
    async act() {
      const found = await stray();
      await steps.price(found.standing);
      return await assign(found);
    },
    sealed: [{ action: 'assign_receipt', operator: 'ops', reason: 'their mail' }],
    table: 'assignments',
  },
  {
    title: 'pricing a receipt',
    act: async () => priceReceipt(steps.context, (await stray()).standing, byOperator, steps.now),
    sealed: [
      {
        action: 'price_receipt',
        reason: 'the feed is down',
        decided: { version: 1, answer: ANSWER.toString() },
      },
    ],
    table: 'price_records',
  },
  {
    title: 'registering a service',
    act: () => registerService(context(), 'painter', word('a new product')),
    sealed: [{ action: 'register_service', subject: 'painter', reason: 'a new product' }],
    table: 'services',
  },
  {
    title: 'publishing a version of the price list',
    act: () => publish(1),
    sealed: [
      {
        action: 'publish_rate_card',
        operator: 'ops',
        subject: 'rate_card:1',
        reason: 'spring',
        decided: {
          effective_at: '2026-03-01T15:00:00.000000Z',
          prices_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      },
    ],
    table: 'rate_cards',
  },
  {
    title: 'making a token by the command line',
    act: () => makeTokenByHand(ownerDb, 'operator', 'Ada'),
    sealed: [
      {
        action: 'make_token',
        operator: 'command line',
        subject: expect.stringMatching(/^tok_[0-9a-f]{16}$/),
        decided: { name: 'Ada', role: 'operator' },
      },
    ],
    table: 'access_tokens',
  },
];

describe.each(ACTIONS)('$title', ({ act, sealed, table }) => {
  test('is sealed with who and why, and the journal verifies', async () => {
    await act();
    expect(await actions()).toMatchObject(sealed);
    expect((await verifyJournal(auditor)).problems).toEqual([]);
  });

  test.each([
    ['entries', 'the entry'],
    [table, 'the action'],
  ])('happens not at all where %s cannot be written', async refusing => {
    const refuse = (on: string) => `
      create function refuse_here() returns trigger language plpgsql as $$ begin raise 'not now'; end $$;
      create trigger refuse_here before insert on ${on} for each row
        ${on === 'entries' ? `when (new.details like '{"operator":%')` : ''} execute function refuse_here()`;
    await steps.owner.query(refuse(refusing));
    try {
      await expect(act()).rejects.toThrow('not now');
    } finally {
      await steps.owner.query('drop function refuse_here() cascade');
    }
    expect(await actions()).toEqual([]);
    const { rows } = await steps.owner.query(`select count(*)::int as count from ${table}`);
    expect(rows).toEqual([{ count: 0 }]);
  });

  test('verify names it when its reason is changed', async () => {
    await act();
    const [action] = await actions();
    if (!action) throw new Error('nothing was sealed');
    const client = await ownerPool.connect();
    try {
      await client.query('begin isolation level repeatable read');
      await client.query(`set local session_replication_role = 'replica'`);
      await client.query(
        `update entries set details = replace(details, '"reason":"', '"reason":"x') where details like '{"operator":%'`,
      );
      await client.query('set local role credits_auditor');
      expect((await verifyIn(client)).problems).toMatchObject([
        { book: action.book, entry: action.seq, what: expect.stringContaining('the hash is not') },
      ]);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});

test('asking for the same assignment again seals nothing more', async () => {
  const found = await stray();
  await assign(found);
  await assign(found);
  const [action, ...more] = await actions();
  expect(more).toEqual([]);
  expect(action).toMatchObject({
    book: bookName(found.standing.bucket, 0n),
    subject: found.standing.receiptId,
    decided: { version: 1, account: accountName(found.accountId), order: expect.any(String) },
  });
});

test('what is refused seals nothing', async () => {
  const { standing } = await stray();
  expect(await assign({ standing, accountId: 1n })).toMatchObject({ status: 'refused' });
  expect(await registerService(context(), 'painter', word('first'))).toMatchObject({ serviceId: 1 });
  expect(await registerService(context(), 'painter', word('second'))).toBe('service_exists');
  expect(await makeServiceToken(context(), 'nobody', word('why not'))).toBeNull();
  expect(await revokeToken(context(), 'tok_0000000000000000', word('why not'))).toBeNull();
  expect((await actions()).map(({ reason }) => reason)).toEqual(['first']);
});

test('a token is revoked once, and who did it first is sealed', async () => {
  const made = await registerService(context(), 'painter', word('a new product'));
  if (made === 'service_exists') throw new Error('it is new');
  const at = steps.now;
  steps.now += 1_000_000n;
  const again = await makeServiceToken(context(), 'painter', word('a second server'));
  expect(await readServices(steps.db)).toMatchObject([{ name: 'painter', tokens: 2, createdAt: at }]);
  expect(await revokeToken(context(), made.id, word('leaked'))).toBe(steps.now);
  const revokedAt = steps.now;
  steps.now += 1_000_000n;
  expect(await revokeToken(context(), made.id, word('leaked again'))).toBe(revokedAt);
  expect(await readServices(steps.db)).toMatchObject([{ name: 'painter', tokens: 1 }]);
  expect(await readTokens(steps.db)).toMatchObject([
    { id: again?.id, revokedAt: null },
    { id: made.id, revokedAt },
  ]);
  expect((await actions()).filter(({ action }) => action === 'revoke_token')).toMatchObject([
    { subject: made.id, reason: 'leaked', decided: { name: 'painter', role: 'service' } },
  ]);
});

test('the digest of the prices is what anybody computes from their row', async () => {
  await publish(1);
  const { rows } = await steps.owner.query(
    `select encode(sha256(convert_to(prices::text, 'UTF8')), 'hex') as digest from rate_cards`,
  );
  expect((await actions()).map(({ decided }) => decided.prices_sha256)).toEqual([rows[0]?.digest]);
});

test('of two that publish the same version at once one does, and one is sealed', async () => {
  const published = await Promise.all([publish(1), publish(1), publish(1)]);
  expect(published.filter(one => !('refusal' in one))).toHaveLength(1);
  expect(await actions()).toHaveLength(1);
});

test('two services that are registered at once get two numbers', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const made = await Promise.all(names.map(name => registerService(context(), name, word('at once'))));
  expect(new Set(made.map(one => (one === 'service_exists' ? one : one.serviceId)))).toEqual(
    new Set([1, 2, 3, 4]),
  );
  expect(await actions()).toHaveLength(4);
  expect((await verifyJournal(auditor)).problems).toEqual([]);
});
