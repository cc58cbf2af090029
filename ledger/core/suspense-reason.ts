/** Every reason for which a payment waits in suspense, with what it means. */
export const SUSPENSE_REASONS = {
  no_match: 'Nothing tells whose it is.',
  not_a_payment: 'Nobody can be said to have sent it: a SELFDESTRUCT, or a deposit from L1.',
  reference_unknown: 'It carries a reference, but of no order.',
  sender_blocked: 'Its sender is on the list of those to block.',
  sender_changed:
    'A person had assigned it where the chain had it before, but there it came from another sender.',
  unique_amount_taken: 'Another payment of this amount, which is kept for one order, came before it.',
  unique_amount_not_in_force: 'Its amount is kept for an order, but not at the time of its block.',
  under_a_dollar: 'Less than $1 for an order that was paid already.',
  too_many_lots: 'Its account has as many live lots as one may have.',
} as const satisfies Record<string, string>;

export type SuspenseReason = keyof typeof SUSPENSE_REASONS;
