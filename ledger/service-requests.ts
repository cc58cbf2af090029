/** What services ask for, as the commands that the posting path takes. */
import { lesserOf } from './core/amount.ts';
import type { DebitCommand } from './core/debit.ts';
import { HOLD_LIFE_DEFAULT, HOLD_LIFE_MAX } from './core/hold.ts';
import type { HoldCommand, HoldLimits } from './core/place-hold.ts';
import type { CaptureCommand, ReleaseCommand } from './core/settle-hold.ts';
import type { ServiceIdentity } from './keys/authenticate.ts';
import type { ReversalRequest } from './posting/batch.ts';
import { commandIdentity } from './posting/identity.ts';

/** What is allowed of holds where the operator says nothing. */
export const DEFAULT_HOLD_LIMITS: Required<HoldLimits> = {
  ofAccount: 1000,
  ofService: 100,
  life: HOLD_LIFE_MAX,
};

/** Who asks, for whom, and by which key it is remembered. */
export interface ServiceRequest {
  readonly service: ServiceIdentity;
  /** Whose key or grant the service showed; of what was held or spent before, whose it was. */
  readonly holder: { readonly accountId: bigint; readonly keyNumber: number | null };
  /** Chosen by the service; the same key never does it twice. */
  readonly idempotencyKey: string;
}

export interface DebitRequest extends ServiceRequest {
  /** More than 0. */
  readonly amountMicrocredits: bigint;
  /** Kept and sealed with the entry. */
  readonly description: string | null;
  /** What was used, for usage reports; kept and sealed too. */
  readonly model?: string | null | undefined;
}

export interface HoldRequest extends Omit<DebitRequest, 'model'> {
  /** In microseconds, more than 0 and at most 24 hours; when left out 15 minutes, or less where less is allowed. */
  readonly life?: bigint | undefined;
}

export interface CaptureRequest extends ServiceRequest {
  readonly holdId: bigint;
  /** More than 0. */
  readonly amountMicrocredits: bigint;
  /** As that of a debit. */
  readonly model?: string | null | undefined;
}

export interface ReleaseRequest extends ServiceRequest {
  readonly holdId: bigint;
}

export interface ReverseRequest extends ServiceRequest {
  /** The number of the debit or capture. */
  readonly spendId: bigint;
  /** More than 0; null for all that is left of it. */
  readonly amountMicrocredits: bigint | null;
}

export function debitCommand(request: DebitRequest): DebitCommand {
  const { amountMicrocredits, description, model = null } = request;
  const details =
    description === null && model === null
      ? null
      : JSON.stringify({
          ...(description === null ? {} : { description }),
          ...(model === null ? {} : { model }),
        });
  const payload = `debit ${amountMicrocredits} ${details ?? ''}`;
  return { type: 'debit', identity: identityOf(request, payload), amountMicrocredits, details };
}

export function holdCommand(request: HoldRequest, limits: HoldLimits): HoldCommand {
  const { amountMicrocredits, description } = request;
  const life = request.life ?? lesserOf(HOLD_LIFE_DEFAULT, limits.life ?? HOLD_LIFE_MAX);
  const details = JSON.stringify({
    ...(description === null ? {} : { description }),
    life_seconds: String(life / 1_000_000n),
  });
  // What was asked for, whatever is allowed: asking again after that has changed is still the same.
  const payload = `hold ${amountMicrocredits} ${request.life ?? HOLD_LIFE_DEFAULT} ${description ?? ''}`;
  const identity = identityOf(request, payload);
  return { type: 'hold', identity, amountMicrocredits, life, limits, details };
}

export function captureCommand(request: CaptureRequest): CaptureCommand {
  const { holdId, amountMicrocredits, model = null } = request;
  const payload = `capture ${amountMicrocredits} of ${holdId}${model === null ? '' : ` ${model}`}`;
  const identity = identityOf(request, payload);
  const details = JSON.stringify({ hold: String(holdId), ...(model === null ? {} : { model }) });
  return { type: 'capture', identity, holdId, amountMicrocredits, details };
}

export function releaseCommand(request: ReleaseRequest): ReleaseCommand {
  const { holdId } = request;
  const identity = identityOf(request, `release ${holdId}`);
  return { type: 'release', identity, holdId, details: JSON.stringify({ hold: String(holdId) }) };
}

export function reversalRequest(request: ReverseRequest): ReversalRequest {
  const { spendId, amountMicrocredits } = request;
  const identity = identityOf(request, `reverse ${amountMicrocredits ?? 'all'} of ${spendId}`);
  const details = JSON.stringify({ reverses: String(spendId) });
  return { type: 'reversal', identity, spendId, amountMicrocredits, details };
}

function identityOf({ service, holder, idempotencyKey }: ServiceRequest, payload: string) {
  const { serviceId } = service;
  return commandIdentity({ serviceId, keyNumber: holder.keyNumber, idempotencyKey, payload });
}
