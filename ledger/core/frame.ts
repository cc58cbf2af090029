/**
 * What a call frame means for the books. A trace reports a value on every kind of frame, but only some of them
 * move ETH: a DELEGATECALL or CALLCODE frame repeats the value of its parent although nothing moves, and taking it
 * for a payment would mint credits out of nothing.
 */
export type FrameVerdict =
  /** ETH moved in, sent by `from` on purpose. */
  | 'payment'
  /** ETH moved in, but nobody can be said to have paid: it goes to suspense and stays there. */
  | 'unattributed'
  /** No ETH arrived. */
  | 'refused';

/** Judges a successful frame by its trace type (any case) and direction. */
export function judgeFrame(frameType: string, direction: 'in' | 'out' | 'self'): FrameVerdict {
  if (direction !== 'in') return 'refused';
  switch (frameType.toUpperCase()) {
    case 'CALL':
      return 'payment';
    case 'SELFDESTRUCT':
      return 'unattributed';
    default:
      return 'refused';
  }
}
