import type { Selectable } from 'kysely';
import type { CardPaymentState } from '../core/card-payment.ts';
import type { CardPaymentTable } from './tables.ts';

export type CardPaymentRow = Selectable<CardPaymentTable>;

/** What a recorded version of a card payment says. */
export function cardStateOf(
  row: Pick<
    CardPaymentRow,
    | 'status'
    | 'paid_at'
    | 'moved_at'
    | 'paid_microusd'
    | 'fee_microusd'
    | 'refunded_microusd'
    | 'withdrawn_microusd'
    | 'reinstated_microusd'
  >,
): CardPaymentState {
  return {
    status: row.status,
    paidAt: row.paid_at,
    movedAt: row.moved_at,
    paidMicrousd: row.paid_microusd,
    feeMicrousd: row.fee_microusd,
    refundedMicrousd: row.refunded_microusd,
    withdrawnMicrousd: row.withdrawn_microusd,
    reinstatedMicrousd: row.reinstated_microusd,
  };
}
