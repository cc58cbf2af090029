import type { Instant } from '../core/instant.ts';
import type { Lot, RenewalPolicy } from '../core/lot.ts';

/** The columns of a lot, of the table named `l`. */
export const LOT_COLUMNS = `l.account_id, l.lot_id, l.added_at, l.expires_at, l.policy, l.face_microcredits,
  l.available_microcredits, l.held_microcredits, l.unreleased_microcredits, l.settled_microcredits, l.paid_microusd,
  l.returned_microusd, l.deferred_microusd, l.deferred_at, l.debt_microcredits as lot_debt_microcredits, l.restores_lot_id, l.open`;

export interface LotRow {
  account_id: bigint;
  lot_id: bigint;
  added_at: Instant;
  expires_at: Instant;
  policy: RenewalPolicy;
  face_microcredits: bigint;
  available_microcredits: bigint;
  held_microcredits: bigint;
  unreleased_microcredits: bigint;
  settled_microcredits: bigint;
  paid_microusd: bigint;
  returned_microusd: bigint;
  deferred_microusd: bigint;
  deferred_at: Instant;
  lot_debt_microcredits: bigint;
  restores_lot_id: bigint | null;
  open: boolean;
}

export function lotOf(row: LotRow): Lot {
  return {
    id: row.lot_id,
    addedAt: row.added_at,
    expiresAt: row.expires_at,
    policy: row.policy,
    faceMicrocredits: row.face_microcredits,
    availableMicrocredits: row.available_microcredits,
    heldMicrocredits: row.held_microcredits,
    unreleasedMicrocredits: row.unreleased_microcredits,
    settledMicrocredits: row.settled_microcredits,
    paidMicrousd: row.paid_microusd,
    returnedMicrousd: row.returned_microusd,
    deferredMicrousd: row.deferred_microusd,
    deferredAt: row.deferred_at,
    debtMicrocredits: row.lot_debt_microcredits,
    restoresLotId: row.restores_lot_id,
    open: row.open,
  };
}
