/** A command written in texts and numbers only, so that it can be noted in a file and asked again from there. */
import { SECOND } from '../../ledger/core/instant.ts';
import type { Outcome, Request } from '../../ledger/posting/batch.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { OutcomeUnknownError } from '../../ledger/posting/lane.ts';
import type { Books } from './books.ts';

export interface LoadCommand {
  /** Its idempotency key. */
  readonly key: string;
  readonly account: number;
  readonly type:
    | 'purchase'
    | 'debit'
    | 'hold'
    | 'capture'
    | 'release'
    | 'reversal'
    | 'clawback'
    | 'adjustment';
  /** Microcredits; of a purchase or clawback micro-dollars. A release has no use for it. */
  readonly amount: number;
  /** The number of the hold, the spend or the payment that it is about; 0 for none. */
  readonly about: number;
}

/** What its caller was told. */
export type Answer =
  | { readonly status: 'accepted'; readonly seq: number; readonly replayed: boolean }
  | { readonly status: 'refused'; readonly code: string }
  /** It threw, and nothing was carried out. */
  | { readonly status: 'failed'; readonly message: string }
  | { readonly status: 'unknown' };

/** The name of a command's key in the journal. */
export function keyNameOf(command: LoadCommand): string {
  return `${command.account}:${identityOf(command).keyDigest}`;
}

/** Whether it failed although it could be carried out or refused: all that may fail is to take back more than was paid. */
export function isFault(answer: Answer): boolean {
  return answer.status === 'failed' && !answer.message.includes('more than is left of lot');
}

export async function ask(books: Books, command: LoadCommand): Promise<Answer> {
  try {
    return answerOf(await books.poster.submit(BigInt(command.account), requestOf(command)));
  } catch (error) {
    if (error instanceof OutcomeUnknownError) return { status: 'unknown' };
    return { status: 'failed', message: String(error) };
  }
}

function answerOf(outcome: Outcome): Answer {
  switch (outcome.status) {
    case 'accepted':
      return { status: 'accepted', seq: Number(outcome.entry.seq), replayed: outcome.replayed };
    case 'refused':
      return { status: 'refused', code: outcome.refusal.code };
    case 'advanced':
      throw new Error('no command of a load only advances');
  }
}

function identityOf({ key, ...asked }: LoadCommand) {
  return commandIdentity({
    serviceId: 1,
    keyNumber: null,
    idempotencyKey: key,
    payload: JSON.stringify(asked),
  });
}

export function requestOf(command: LoadCommand): Request {
  const identity = identityOf(command);
  const amount = BigInt(command.amount);
  const about = BigInt(command.about);
  const details = null;
  switch (command.type) {
    case 'purchase':
      return { type: 'purchase', identity, amountMicrousd: amount, paidAt: null, policy: 'refill', details };
    case 'debit':
      return { type: 'debit', identity, amountMicrocredits: amount, details };
    case 'hold': {
      const limits = { ofAccount: 100, ofService: 100 };
      return { type: 'hold', identity, amountMicrocredits: amount, life: 5n * SECOND, limits, details };
    }
    case 'capture':
      return { type: 'capture', identity, holdId: about, amountMicrocredits: amount, details };
    case 'release':
      return { type: 'release', identity, holdId: about, details };
    case 'reversal': {
      // So that the reversals of a spend can be told from the journal alone.
      const reverses = JSON.stringify({ reverses: String(about) });
      return { type: 'reversal', identity, spendId: about, amountMicrocredits: amount, details: reverses };
    }
    case 'clawback':
      return { type: 'clawback', identity, lotId: about, amountMicrousd: amount, details };
    case 'adjustment':
      return {
        type: 'adjustment',
        identity,
        amountMicrocredits: amount,
        policy: 'none',
        details: 'adjusted under load',
      };
  }
}
