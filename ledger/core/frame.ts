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

/**
 * Judges a successful frame by its trace type (any case), its direction and the type of its transaction. In a deposit
 * from L1 the sender is an alias or the bridge, so nobody here can be said to have sent it.
 */
export function judgeFrame(frame: {
  readonly frameType: string;
  readonly transactionType: string;
  readonly direction: 'in' | 'out' | 'self';
}): FrameVerdict {
  if (frame.direction !== 'in') return 'refused';
  switch (frame.frameType.toUpperCase()) {
    case 'CALL':
      return frame.transactionType === 'deposit' ? 'unattributed' : 'payment';
    case 'SELFDESTRUCT':
      return 'unattributed';
    default:
      return 'refused';
  }
}

/** The frames that take ETH away from who made them, as a trace names them in capitals. */
export const WITHDRAWING_FRAMES = ['CALL', 'CREATE', 'CREATE2', 'SELFDESTRUCT'] as const;
