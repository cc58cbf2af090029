/** Where a page of deliveries ended, as a caller hands it back: for nobody to read. */
import type { DeliveryCursor } from '../ledger/index.ts';
import { Problem } from './problem.ts';

const CURSOR = /^(\d{1,17}) (msg_[0-9a-f]{32})$/;

export function deliveryCursorText({ createdAt, deliveryId }: DeliveryCursor): string {
  return Buffer.from(`${createdAt} ${deliveryId}`).toString('base64url');
}

/** Undefined for the first page. Throws a Problem for anything that `deliveryCursorText` has not made. */
export function readDeliveryCursor(text: string | undefined): DeliveryCursor | undefined {
  if (text === undefined) return undefined;
  const [, createdAt, deliveryId] = CURSOR.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? [];
  if (createdAt === undefined || deliveryId === undefined)
    throw new Problem('invalid_field', '"before" must be the "next" of the page before.', {
      field: 'before',
    });
  return { createdAt: BigInt(createdAt), deliveryId };
}
