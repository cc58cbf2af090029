/**
 * The client's types beside the contract's, compared by the compiler: a field that one has and the other has not, another
 * type, or another say in whether it may be left out is an error of `tsc --noEmit`. contract-types.test.ts plants some.
 */
import { expectTypeOf } from 'vitest';
import type { z } from 'zod';
import type { getUsage, listLots, listTransactions } from '../../api/contract/account-history.ts';
import type { getCredits } from '../../api/contract/credits.ts';
import type { batchItem, createDebit, createDebitBatch, reverseDebit } from '../../api/contract/debits.ts';
import type { changeGrant, createGrant, listGrants, listServices } from '../../api/contract/grants.ts';
import type { captureHold, createHold, getHold, releaseHold } from '../../api/contract/holds.ts';
import type { getKey } from '../../api/contract/keys.ts';
import type { getRateCard } from '../../api/contract/rate-cards.ts';
import type { createUsage } from '../../api/contract/usage.ts';
import type {
  BatchDebit,
  BatchResult,
  CapturedHold,
  Credits,
  Debit,
  Debited,
  DebitedUsage,
  Grant,
  GrantChange,
  GrantRequest,
  Hold,
  HoldRequest,
  HoldStatus,
  KeyStatus,
  Lot,
  PageOptions,
  RateCard,
  Reversed,
  Service,
  SettledHold,
  Spent,
  Transaction,
  UsageQuery,
  UsageReport,
  UsageSummary,
} from '../../client/src/index.ts';

type Body<Route> = Route extends { readonly body?: infer Schema } ? z.input<NonNullable<Schema>> : never;
type Query<Route> = Route extends { readonly query?: infer Schema } ? z.input<NonNullable<Schema>> : never;
type Answer<Route> = Route extends { readonly answer?: infer Schema } ? z.output<NonNullable<Schema>> : never;
type Item<List> = List extends readonly (infer One)[] ? One : never;

/**
 * A type written in one way, so that equal ones are written equally: what must be there and what may, without readonly,
 * without the undefined that an optional field of zod's may have, and alternatives of objects as one object with the
 * fields of all.
 */
type Shape<Type> =
  | Exclude<Type, object | undefined>
  | ([Extract<Type, object>] extends [never] ? never : ShapeOfObject<Extract<Type, object>>);
type ShapeOfObject<Type> = [Type] extends [readonly (infer One)[]]
  ? Shape<One>[]
  : {
      always: { [Key in Exclude<Keys<Type>, Optional<Type, Keys<Type>>>]: Shape<Value<Type, Key>> };
      sometimes: { [Key in Optional<Type, Keys<Type>>]: Shape<Value<Type, Key>> };
    };
/** Those with names, of every alternative. */
type Keys<Type> = Type extends unknown
  ? keyof { [Key in keyof Type as string extends Key ? never : number extends Key ? never : Key]: 1 }
  : never;
type Value<Type, Key> = Type extends unknown ? (Key extends keyof Type ? Type[Key] : never) : never;
/** Of these keys the ones that an alternative can be without. */
type Optional<Type, Key> = Key extends PropertyKey
  ? true extends IsOptional<Type, Key>
    ? Key
    : never
  : never;
type IsOptional<Type, Key> = Type extends unknown
  ? Key extends keyof Type
    ? Record<never, never> extends Pick<Type, Key>
      ? true
      : false
    : true
  : never;

// What is asked. The API takes all that the client's types allow.
expectTypeOf<Shape<Debit>>().toEqualTypeOf<Shape<Body<typeof createDebit>>>();
expectTypeOf<Debit>().toExtend<Body<typeof createDebit>>();
expectTypeOf<Shape<BatchDebit>>().toEqualTypeOf<Shape<z.input<typeof batchItem>>>();
expectTypeOf<BatchDebit>().toExtend<z.input<typeof batchItem>>();
expectTypeOf<keyof Body<typeof createDebitBatch>>().toEqualTypeOf<'debits'>();
expectTypeOf<Shape<UsageReport>>().toEqualTypeOf<Shape<Body<typeof createUsage>>>();
expectTypeOf<UsageReport>().toExtend<Body<typeof createUsage>>();
expectTypeOf<Shape<HoldRequest>>().toEqualTypeOf<Shape<Body<typeof createHold>>>();
expectTypeOf<HoldRequest>().toExtend<Body<typeof createHold>>();
expectTypeOf<Shape<Spent>>().toEqualTypeOf<Shape<Body<typeof captureHold>>>();
expectTypeOf<Spent>().toExtend<Body<typeof captureHold>>();
expectTypeOf<Shape<{ amount?: string }>>().toEqualTypeOf<Shape<Body<typeof reverseDebit>>>();
expectTypeOf<Shape<GrantRequest>>().toEqualTypeOf<Shape<Body<typeof createGrant>>>();
expectTypeOf<Shape<GrantChange>>().toEqualTypeOf<Shape<Body<typeof changeGrant>>>();
expectTypeOf<Shape<UsageQuery>>().toEqualTypeOf<Shape<Query<typeof getUsage>>>();
expectTypeOf<Shape<{ at?: string }>>().toEqualTypeOf<Shape<Query<typeof getCredits>>>();
// In a query a number is text.
expectTypeOf<keyof PageOptions | 'before'>().toEqualTypeOf<keyof Query<typeof listLots>>();
expectTypeOf<keyof PageOptions | 'before'>().toEqualTypeOf<keyof Query<typeof listTransactions>>();
expectTypeOf<keyof PageOptions | 'before'>().toEqualTypeOf<keyof Query<typeof listGrants>>();

// What is answered. The client's types allow all that the API answers.
expectTypeOf<Shape<Answer<typeof createDebit>>>().toEqualTypeOf<Shape<Debited>>();
expectTypeOf<Shape<Item<Answer<typeof createDebitBatch>['results']>>>().toEqualTypeOf<Shape<BatchResult>>();
expectTypeOf<Shape<Answer<typeof createUsage>>>().toEqualTypeOf<Shape<DebitedUsage>>();
expectTypeOf<Shape<Answer<typeof createHold>>>().toEqualTypeOf<Shape<Hold>>();
expectTypeOf<Shape<Answer<typeof getHold>>>().toEqualTypeOf<Shape<HoldStatus>>();
expectTypeOf<Shape<Answer<typeof captureHold>>>().toEqualTypeOf<Shape<CapturedHold>>();
expectTypeOf<Shape<Answer<typeof releaseHold>>>().toEqualTypeOf<Shape<SettledHold>>();
expectTypeOf<Shape<Answer<typeof reverseDebit>>>().toEqualTypeOf<Shape<Reversed>>();
expectTypeOf<Shape<Answer<typeof getRateCard>>>().toEqualTypeOf<Shape<RateCard>>();
expectTypeOf<Shape<Answer<typeof getCredits>>>().toEqualTypeOf<Shape<Credits>>();
expectTypeOf<Shape<Answer<typeof getKey>>>().toEqualTypeOf<Shape<KeyStatus>>();
expectTypeOf<Shape<Item<Answer<typeof listLots>['lots']>>>().toEqualTypeOf<Shape<Lot>>();
expectTypeOf<Shape<Item<Answer<typeof listTransactions>['transactions']>>>().toEqualTypeOf<
  Shape<Transaction>
>();
expectTypeOf<Shape<Answer<typeof getUsage>>>().toEqualTypeOf<Shape<UsageSummary>>();
expectTypeOf<Shape<Item<Answer<typeof listServices>['services']>>>().toEqualTypeOf<Shape<Service>>();
expectTypeOf<Shape<Item<Answer<typeof listGrants>['grants']>>>().toEqualTypeOf<Shape<Grant>>();
expectTypeOf<Shape<Answer<typeof createGrant>>>().toEqualTypeOf<Shape<Grant>>();
expectTypeOf<Shape<Answer<typeof changeGrant>>>().toEqualTypeOf<Shape<Grant>>();
