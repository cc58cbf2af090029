/** Where a page of the suspense ended, as a caller hands it back: for nobody to read. */
import type { SuspenseCursor } from '../ledger/index.ts';
import { Problem } from './problem.ts';

const CURSOR = /^(\d{1,17}) ([\x21-\x7e]{1,200})$/;

export function suspenseCursorText({ since, receiptId }: SuspenseCursor): string {
  return Buffer.from(`${since} ${receiptId}`).toString('base64url');
}

/** Undefined for the first page. Throws a Problem for anything that `suspenseCursorText` has not made. */
export function readSuspenseCursor(text: string | undefined): SuspenseCursor | undefined {
  if (text === undefined) return undefined;
  const [, since, receiptId] = CURSOR.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? [];
  if (since === undefined || receiptId === undefined)
    throw new Problem('invalid_field', '"before" must be the "next" of the page before.', {
      field: 'before',
    });
  return { since: BigInt(since), receiptId };
}
