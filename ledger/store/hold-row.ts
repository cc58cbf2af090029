import type { Hold } from '../core/hold.ts';
import type { Instant } from '../core/instant.ts';

/** The columns of a hold, of the table named `h`. */
export const HOLD_COLUMNS = `h.account_id, h.hold_id, h.service_id, h.key_number, h.placed_at, h.deadline,
  h.take_lot_ids, h.take_microcredits, h.closed_by`;

export interface HoldRow {
  account_id: bigint;
  hold_id: bigint;
  service_id: number;
  key_number: number | null;
  placed_at: Instant;
  deadline: Instant;
  take_lot_ids: bigint[];
  take_microcredits: bigint[];
  closed_by: bigint | null;
}

export function holdOf(row: HoldRow): Hold {
  return {
    id: row.hold_id,
    serviceId: row.service_id,
    keyNumber: row.key_number,
    placedAt: row.placed_at,
    deadline: row.deadline,
    takes: row.take_lot_ids.map((lotId, index) => ({
      lotId,
      amountMicrocredits: row.take_microcredits[index] ?? 0n,
    })),
    closedBy: row.closed_by,
  };
}

/** A hold as an element of a JSON array, where numbers would lose their last digits: id, service, key, times, takes. */
export type HoldJson = readonly [
  id: string,
  serviceId: number,
  keyNumber: number | null,
  placedAt: string,
  deadline: string,
  lotIds: readonly string[],
  amounts: readonly string[],
];

/** The JSON array of the holds `h` of a group; null when there are none. */
export const HOLDS_AS_JSON = `json_agg(json_build_array(h.hold_id::text, h.service_id, h.key_number,
  (extract(epoch from h.placed_at) * 1000000)::bigint::text, (extract(epoch from h.deadline) * 1000000)::bigint::text,
  h.take_lot_ids::text[], h.take_microcredits::text[]))`;

/** A hold that is open for whoever asked. */
export function holdOfJson(json: HoldJson): Hold {
  const [id, serviceId, keyNumber, placedAt, deadline, lotIds, amounts] = json;
  return {
    id: BigInt(id),
    serviceId,
    keyNumber,
    placedAt: BigInt(placedAt),
    deadline: BigInt(deadline),
    takes: lotIds.map((lotId, index) => ({
      lotId: BigInt(lotId),
      amountMicrocredits: BigInt(amounts[index] ?? '0'),
    })),
    closedBy: null,
  };
}
