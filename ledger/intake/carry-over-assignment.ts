/** What a person decided about a payment holds wherever the chain has it. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { judgeFrame } from '../core/frame.ts';
import type { AssignmentTable, Tables } from '../store/tables.ts';
import { matchOf } from './assignment-facts.ts';
import type { RecordingContext } from './context.ts';
import { DECIDED_BY_PERSON } from './decided-by-person.ts';
import type { Match, NoMatch } from './match-inclusion.ts';
import type { Included } from './receipt-facts.ts';

/**
 * The account that a person last gave the receipt of `standing` to in an earlier inclusion, with the same reason; null
 * without one. Not where the ETH now comes from another sender, as a transaction may do something else on another fork,
 * nor a claim where nobody can be said to have paid any more: where such a payment does not say itself whose it is, it
 * waits in suspense for a new decision.
 */
export async function carryOverAssignment(
  _context: RecordingContext,
  trx: Kysely<Tables>,
  standing: Included,
): Promise<Match | NoMatch | null> {
  const { bucket, receiptId, fromAddress } = standing;
  const verdict = judgeFrame({ ...standing, direction: 'in' });
  const { rows } = await sql<Selectable<AssignmentTable> & { from_address: string }>`
    select a.*, i.from_address from assignments a
    join receipt_inclusions i on i.bucket = ${bucket} and i.receipt_id = a.receipt_id and i.version = a.version
    where a.bucket = ${bucket} and a.receipt_id = ${receiptId} and a.matched_by = any(${[...DECIDED_BY_PERSON]})
    order by a.version desc, a.number desc`.execute(trx);
  if (rows.length === 0) return null;
  const earlier = rows.find(row => row.from_address === fromAddress);
  if (!earlier) return { noMatch: 'sender_changed' };
  if (earlier.matched_by === 'claim' && verdict !== 'payment') return { noMatch: 'not_a_payment' };
  return matchOf(earlier);
}
