/** What endpoints are told: the events, their ids and their bodies. */
import { createHash } from 'node:crypto';
import { accountName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import type { RenewalPolicy } from '../core/lot.ts';
import { instantText } from '../store/instant-text.ts';

export const WEBHOOK_EVENTS = ['low_balance', 'expiry_soon', 'debt_opened', 'lot_added'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Whom a message is for. */
export interface Addressee {
  readonly accountId: bigint;
  readonly endpointId: string;
}

/** An event for one endpoint, as it is sent. */
export interface Message {
  /** The same however often it is made or sent, and of no other event: receivers tell repetitions by it. */
  readonly id: string;
  readonly type: WebhookEvent | 'test';
  readonly body: string;
}

/** Available fell below the endpoint's threshold with the entry `seq`. */
export function lowBalance(
  to: Addressee,
  event: {
    readonly seq: bigint;
    readonly at: Instant;
    readonly availableMicrocredits: bigint;
    readonly heldMicrocredits: bigint;
    readonly thresholdMicrocredits: bigint;
  },
): Message {
  return messageOf(to, 'low_balance', event.seq, event.at, {
    available: creditsText(event.availableMicrocredits),
    held: creditsText(event.heldMicrocredits),
    threshold: creditsText(event.thresholdMicrocredits),
  });
}

/** The entry `seq` left debt where there had been none. */
export function debtOpened(
  to: Addressee,
  event: { readonly seq: bigint; readonly at: Instant; readonly debtMicrocredits: bigint },
): Message {
  return messageOf(to, 'debt_opened', event.seq, event.at, { debt: creditsText(event.debtMicrocredits) });
}

/** The entry of the lot's number added it. */
export function lotAdded(
  to: Addressee,
  event: {
    readonly lotId: bigint;
    readonly at: Instant;
    readonly cause: EntryKind;
    readonly faceMicrocredits: bigint;
    readonly policy: RenewalPolicy;
    readonly addedAt: Instant;
    readonly expiresAt: Instant;
    readonly availableMicrocredits: bigint;
  },
): Message {
  return messageOf(to, 'lot_added', event.lotId, event.at, {
    lot: {
      id: event.lotId.toString(),
      face: creditsText(event.faceMicrocredits),
      policy: event.policy,
      added_at: instantText(event.addedAt),
      expires_at: instantText(event.expiresAt),
    },
    cause: event.cause,
    available: creditsText(event.availableMicrocredits),
  });
}

/** The end of a lot is near, and credits will lapse with it if they are not spent. */
export function expirySoon(
  to: Addressee,
  event: {
    readonly lotId: bigint;
    readonly at: Instant;
    readonly expiresAt: Instant;
    readonly lapsingMicrocredits: bigint;
  },
): Message {
  return messageOf(to, 'expiry_soon', event.lotId, event.at, {
    lot: { id: event.lotId.toString(), expires_at: instantText(event.expiresAt) },
    lapsing: creditsText(event.lapsingMicrocredits),
  });
}

/** What its owner asked for, to see whether messages arrive. `nonce` tells one from another. */
export function testMessage(to: Addressee, nonce: string, at: Instant): Message {
  return messageOf(to, 'test', nonce, at, { message: 'This is a test.' });
}

/** The id of what is told of `subject`, which is the number of an entry or a lot. */
export function messageId(
  { endpointId }: Addressee,
  type: Message['type'],
  subject: bigint | string,
): string {
  const digest = createHash('sha256').update(`${endpointId} ${type} ${subject}`).digest('hex');
  return `msg_${digest.slice(0, 32)}`;
}

function messageOf(
  to: Addressee,
  type: Message['type'],
  subject: bigint | string,
  at: Instant,
  data: object,
): Message {
  const body = { type, timestamp: instantText(at), data: { account: accountName(to.accountId), ...data } };
  return { id: messageId(to, type, subject), type, body: JSON.stringify(body) };
}

/** The shortest decimal string, as the API writes it. */
function creditsText(amountMicrocredits: bigint): string {
  const digits = amountMicrocredits.toString().padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '');
}
