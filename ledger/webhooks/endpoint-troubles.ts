import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';

/** Beyond this, they are not counted any further. */
export const TROUBLED_ENDPOINTS_MAX = 10_000;

/** How many endpoints that their owners want to be told at cannot be reached. */
export interface EndpointTroubles {
  /** Every attempt has failed lately, and further ones are made. */
  readonly failing: number;
  /** Given up until their owner says otherwise. */
  readonly paused: number;
}

/** Counts both up to TROUBLED_ENDPOINTS_MAX. Reads those endpoints alone. */
export async function readEndpointTroubles(db: Kysely<Tables>): Promise<EndpointTroubles> {
  const { rows } = await sql<{ failing: number; paused: number }>`
    select
      (select count(*)::integer from (
        select from webhook_endpoints where failing_since is not null and paused_at is null and is_enabled
        limit ${TROUBLED_ENDPOINTS_MAX}) f) as failing,
      (select count(*)::integer from (
        select from webhook_endpoints where paused_at is not null and is_enabled
        limit ${TROUBLED_ENDPOINTS_MAX}) p) as paused`.execute(db);
  return rows[0] ?? { failing: 0, paused: 0 };
}
