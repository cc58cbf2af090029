import { hash } from 'node:crypto';
import type { CommandIdentity } from '../core/journal.ts';

/** The service under which this system posts on its own account. */
export const OWN_SERVICE_ID = 0;

export interface IdentityOptions {
  readonly serviceId: number;
  readonly keyNumber: number | null;
  /** What the caller repeats to ask for the same thing again; its scope is the account and the service. */
  readonly idempotencyKey: string;
  /** Everything that was asked for, always written the same way. */
  readonly payload: string;
}

/** The identity a command is remembered by, for ever: the key itself and the payload are not kept. */
export function commandIdentity(options: IdentityOptions): CommandIdentity {
  return {
    serviceId: options.serviceId,
    keyNumber: options.keyNumber,
    keyDigest: keyDigestOf(options),
    payloadDigest: digest(options.payload),
  };
}

function keyDigestOf({
  serviceId,
  idempotencyKey,
}: Pick<IdentityOptions, 'serviceId' | 'idempotencyKey'>): string {
  // The number ends at the colon, so no service can form another's key.
  return digest(`${serviceId}:${idempotencyKey}`);
}

/** What a version of a receipt leads to in the customer's book; a purchase has the receipt's own name. */
export type ReceiptEffect = 'receipt' | 'clawback' | 'restoration';

/** The key under which an effect of a receipt is posted, once for each version of it. */
export function receiptKey(effect: ReceiptEffect, receiptId: string, version: number): string {
  return `${effect}:${receiptId}:${version}`;
}

/** By which an effect of a receipt is remembered, with all that it says. */
export function receiptCommandIdentity(about: {
  readonly effect: ReceiptEffect;
  readonly receiptId: string;
  readonly version: number;
  readonly amountMicrousd: bigint;
  readonly details: string;
}): CommandIdentity {
  return commandIdentity({
    serviceId: OWN_SERVICE_ID,
    keyNumber: null,
    idempotencyKey: receiptKey(about.effect, about.receiptId, about.version),
    payload: `${about.amountMicrousd} ${about.details}`,
  });
}

/** What the entry of an effect of a receipt is remembered by. */
export function receiptKeyDigest(effect: ReceiptEffect, receiptId: string, version: number): string {
  const idempotencyKey = receiptKey(effect, receiptId, version);
  return keyDigestOf({ serviceId: OWN_SERVICE_ID, idempotencyKey });
}

/** What the entry of a receipt's purchase is remembered by. */
export function purchaseKeyDigest(receiptId: string, version: number): string {
  return receiptKeyDigest('receipt', receiptId, version);
}

/** 128 bits are enough: a collision would have to be found within one service and account. */
function digest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}
