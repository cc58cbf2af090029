import type { Kysely } from 'kysely';
import type { Tables } from '../store/tables.ts';

export interface ReadOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
}
