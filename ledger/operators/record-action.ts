/** What an operator did, sealed in the system book of the bucket it is about. */
import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { SystemEntry } from '../core/system-book.ts';
import { commandIdentity, OWN_SERVICE_ID } from '../posting/identity.ts';
import { bookSystemEntries, lockSystemBook } from '../posting/system-entries.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import type { BookRow } from '../store/books.ts';
import { bucketOf } from '../store/bucket.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';

export type OperatorActionKind =
  | 'assign_receipt'
  | 'price_receipt'
  | 'register_service'
  | 'make_token'
  | 'revoke_token'
  | 'publish_rate_card';

export interface OperatorAction {
  readonly action: OperatorActionKind;
  /** The name of the operator's token; null where nobody told it. */
  readonly operator: string | null;
  /** What it was done to: a receipt, a service, a token, a version of the price list. */
  readonly subject: string;
  /** Why, never empty. */
  readonly reason: string;
  /** Tells this action from all others of its kind to the same subject, as the version that was decided about. */
  readonly occasion?: string | undefined;
  /** What else was decided, in a form that JSON has. */
  readonly decided?: Readonly<Record<string, string | number | boolean | null>> | undefined;
}

/**
 * Seals the action in the system book `book`, which the transaction `trx` has locked and in which it does what the entry
 * tells. Returns the book as it is then.
 */
export async function recordActionIn(
  codes: AccountCodes,
  { trx, book }: { readonly trx: Kysely<Tables>; readonly book: BookRow },
  action: OperatorAction,
  now: Instant,
): Promise<BookRow> {
  return await bookSystemEntries(runIn(trx), codes, book, [actionEntry(action, now)], now);
}

/**
 * The same where nothing else locks a system book: that of the subject's bucket is locked until the transaction ends. Of
 * several books in one transaction, those of lower buckets come first.
 */
export async function recordAction(
  { codes, bucketCount }: { readonly codes: AccountCodes; readonly bucketCount: number },
  trx: Kysely<Tables>,
  action: OperatorAction,
  now: Instant,
): Promise<void> {
  const book = await lockSystemBook(runIn(trx), bucketOf(action.subject, bucketCount));
  await recordActionIn(codes, { trx, book }, action, now);
}

/** An entry without postings. Its details begin with the operator: the index of what operators did rests on it. */
function actionEntry(
  { operator, action, subject, reason, occasion, decided }: OperatorAction,
  now: Instant,
): SystemEntry {
  if (reason.trim() === '') throw new Error("an operator's action needs a reason");
  const details = JSON.stringify({ operator, action, subject, reason, ...decided });
  return {
    kind: 'operator_action',
    identity: commandIdentity({
      serviceId: OWN_SERVICE_ID,
      keyNumber: null,
      idempotencyKey: ['operator_action', action, subject, occasion ?? ''].join(':'),
      payload: details,
    }),
    effectiveAt: now,
    postings: [],
    details,
  };
}
