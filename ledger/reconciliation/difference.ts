/** Something that does not tie, with what is likely behind it. */
export interface Difference {
  readonly part: 'ledger' | 'chain' | 'stripe';
  /** What kind of difference it is, the same for all of its kind. */
  readonly kind: DifferenceKind;
  /** The receipt, withdrawal or other fact that it is about; null where it is about none. */
  readonly receipt: string | null;
  /** The book and entry that it is about, such as acct_0123456789abcdef:5; null where it is about none. */
  readonly entry: string | null;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly cause: string;
}

/** Every kind of difference with its likely cause. */
export const DIFFERENCE_CAUSES = {
  entry_missing:
    'An entry was deleted, or a fact was invented: `credits verify` names a gap, `credits audit-chain` an invented payment.',
  entry_without_fact: 'An entry was invented, or the fact it rests on was deleted.',
  entry_differs:
    'The fact or the entry was changed after it was booked: `credits verify` tells which, as only entries are sealed.',
  effect_missing: "The customer's entry was deleted, or its outbox row was lost before it was posted.",
  effect_waiting:
    'It is in the outbox for more than an hour: the worker does not run, or cannot post it (see its log).',
  effect_without_fact:
    'Credits were moved without a payment behind it: the fact was deleted, or the entry was invented.',
  effect_differs: 'The outbox row or the fact was changed between booking and posting.',
  outbox_orphaned: 'A row was put into the outbox by hand, or the fact it rests on was deleted.',
  receipt_without_facts: 'What the chain or Stripe said of it was deleted.',
  facts_without_receipt: 'The receipt was deleted, or what is said of it was invented.',
  price_differs: 'The price record or the amount of the payment was changed after it was priced.',
  lot_differs: 'The lot was changed by hand: `credits verify` names its book.',
  total_differs:
    'The sum of differences above; where there is none, `credits verify` names what was changed.',
  balance_differs:
    'ETH moved that no receipt, withdrawal or gas explains: `credits audit-chain` finds in which blocks.',
  block_replaced:
    'The chain has another block there by now: the worker has not seen the reorg, or an RPC misled it.',
  payment_not_on_chain: 'The payment was invented or altered, or the RPC is on another fork.',
  stripe_not_noticed:
    'Neither a webhook nor the lists brought it: the worker does not run, or Stripe was away; it is taken in at the next look.',
  stripe_differs: 'Stripe has moved money since that nobody noticed, or the fact was changed by hand.',
  stripe_unknown:
    'Stripe knows of no such movements: the fact was invented, or it belongs to another Stripe account.',
} as const;
export type DifferenceKind = keyof typeof DIFFERENCE_CAUSES;

const PARTS: Partial<Record<DifferenceKind, Difference['part']>> = {
  balance_differs: 'chain',
  block_replaced: 'chain',
  payment_not_on_chain: 'chain',
  stripe_not_noticed: 'stripe',
  stripe_differs: 'stripe',
  stripe_unknown: 'stripe',
};

export function difference(
  kind: DifferenceKind,
  about: Pick<Difference, 'what'> & { expected: unknown; found: unknown } & Partial<
      Pick<Difference, 'receipt' | 'entry'>
    >,
): Difference {
  const { what, expected, found, receipt = null, entry = null } = about;
  return {
    part: PARTS[kind] ?? 'ledger',
    kind,
    receipt,
    entry,
    what,
    expected: String(expected),
    found: String(found),
    cause: DIFFERENCE_CAUSES[kind],
  };
}
