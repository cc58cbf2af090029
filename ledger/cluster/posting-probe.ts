import type pg from 'pg';
import { HOUR } from '../core/instant.ts';
import { type Request, runBatch } from '../posting/batch.ts';
import { commandIdentity, OWN_SERVICE_ID } from '../posting/identity.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import { instantText } from '../store/instant-text.ts';

/** No account has this number, as theirs are odd. */
const PROBED = { bucket: 0, accountId: 2n };
const AMOUNT = 5n;
const KEY_NUMBER = 1;
/** Of a key without a limit: nothing but entries and lots is written. */
const UNLIMITED_KEY_NUMBER = 2;

/** Together they send every statement of the posting path and write a row to each of its tables. */
const BATCHES: readonly (readonly Request[])[] = [
  [
    {
      type: 'purchase',
      identity: identityOf('purchase'),
      amountMicrousd: 1n,
      paidAt: null,
      policy: 'none',
      details: null,
    },
    {
      type: 'hold',
      identity: identityOf('hold'),
      amountMicrocredits: AMOUNT,
      life: HOUR,
      limits: { ofAccount: 1, ofService: 1 },
      details: null,
    },
  ],
  [
    {
      type: 'capture',
      identity: identityOf('capture'),
      holdId: 2n,
      amountMicrocredits: AMOUNT,
      details: null,
    },
  ],
  [
    {
      type: 'reversal',
      identity: identityOf('reversal'),
      spendId: 3n,
      amountMicrocredits: AMOUNT,
      details: null,
    },
  ],
  [
    {
      type: 'debit',
      identity: identityOf('debit', UNLIMITED_KEY_NUMBER),
      amountMicrocredits: AMOUNT,
      details: null,
    },
  ],
  [{ type: 'clawback', identity: identityOf('clawback'), lotId: 1n, amountMicrousd: 1n, details: null }],
];

/**
 * Posts a few commands to a book, in the transaction that `client`, a pipelining connection, is in, and takes them back. Returns which statement
 * the database refuses and why, or null: a ledger that is distributed and cannot post would be worse than one that is
 * not distributed.
 */
export async function whyNotPostable(client: pg.ClientBase, codes: AccountCodes): Promise<string | null> {
  let failed: string | null = null;
  const inTransaction = withoutTransactions(client, name => {
    failed ??= name;
  });
  await client.query('savepoint before_posting');
  try {
    for (const requests of BATCHES) {
      const commands = requests.map(command => ({ ...PROBED, command }));
      const outcomes = await runBatch(inTransaction, commands, { codes, clock: () => HOUR });
      if (outcomes.some(({ status }) => status !== 'accepted')) throw new Error('a command was not accepted');
      // Only now is there a book; those that follow find that it has limits.
      if (requests === BATCHES[0]) await setLimit(inTransaction);
    }
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `This version cannot post to distributed tables: its statement ${failed} fails with "${message}".`;
  } finally {
    await client.query('rollback to savepoint before_posting');
  }
}

/** Gives the probed book a limit, which its commands count against. */
async function setLimit(client: pg.ClientBase): Promise<void> {
  const { bucket, accountId } = PROBED;
  await client.query({
    name: 'insert_limit',
    text: `insert into spending_limits (bucket, account_id, key_number, limit_microcredits, period, period_start,
        used_microcredits)
      values ($1, $2, $3, $4, 'lifetime', $5, 0)`,
    values: [bucket, accountId, KEY_NUMBER, AMOUNT, instantText(0n)],
  });
  await client.query({
    name: 'note_limit',
    text: 'update books set has_limits = true where bucket = $1 and account_id = $2',
    values: [bucket, accountId],
  });
}

/** `client` for those who begin and end transactions, without doing so. Tells the names of statements that fail. */
function withoutTransactions(client: pg.ClientBase, onFailure: (name: string) => void): pg.ClientBase {
  const query = async (statement: string | (pg.QueryConfig & { readonly name: string })) => {
    if (typeof statement === 'string') return;
    try {
      return await client.query(statement);
    } catch (error) {
      onFailure(statement.name);
      throw error;
    }
  };
  const { connection } = client as pg.Client;
  return { query, connection } as unknown as pg.ClientBase;
}

function identityOf(idempotencyKey: string, keyNumber = KEY_NUMBER) {
  return commandIdentity({
    serviceId: OWN_SERVICE_ID,
    keyNumber,
    idempotencyKey,
    payload: idempotencyKey,
  });
}
