/** Lies that an RPC may tell: each takes what the chain says and makes something else of it, in the same form. */

/** A frame of a callTracer's trace, as far as it is lied about. */
interface Frame {
  readonly type: string;
  readonly from: string;
  readonly to?: string;
  readonly value?: string;
  readonly input: string;
  readonly error?: string;
  readonly calls?: readonly Frame[];
}

/** A block's trace has one for each of its transactions. */
interface TracedTransaction {
  readonly txHash: string;
  readonly result: Frame;
}

export type TraceLie =
  /** A transfer to the payment address that never was, in each transaction, or in those to one address only. */
  | {
      readonly lie: 'invent';
      readonly from: string;
      readonly valueWei: bigint;
      readonly input?: string;
      readonly inTransactionsTo?: string;
    }
  /** The transfers to the payment address are not there. */
  | { readonly lie: 'hide' }
  /** They have this instead of what is true. */
  | { readonly lie: 'alter'; readonly change: Partial<Frame> }
  /** There is nothing at all. */
  | { readonly lie: 'empty' };

const NOBODY = `0x${'0b'.repeat(20)}`;

/**
 * The answer of `debug_traceBlockByNumber`, `debug_traceBlockByHash` or `debug_traceTransaction` with a lie in it. The
 * same lie is told of a block and of each of its transactions. What has nothing to lie about stays as it is.
 * @param paymentAddress Lower case.
 */
export function falsifyTraces(answer: unknown, lie: TraceLie, paymentAddress: string): unknown {
  if (Array.isArray(answer)) {
    if (lie.lie === 'empty') return [];
    return (answer as readonly TracedTransaction[]).map(traced => ({
      ...traced,
      result: falsifyTrace(traced.result, lie, paymentAddress),
    }));
  }
  if (typeof answer !== 'object' || answer === null) return answer;
  return lie.lie === 'empty' ? null : falsifyTrace(answer as Frame, lie, paymentAddress);
}

function falsifyTrace(outermost: Frame, lie: TraceLie, paymentAddress: string): Frame {
  switch (lie.lie) {
    case 'invent': {
      const { from, valueWei, input = '0x', inTransactionsTo = outermost.to } = lie;
      if (outermost.to !== inTransactionsTo) return outermost;
      const value = `0x${valueWei.toString(16)}`;
      const invented = { type: 'CALL', from, to: paymentAddress, value, input, gas: '0x0', gasUsed: '0x0' };
      return { ...outermost, calls: [...(outermost.calls ?? []), invented] };
    }
    case 'hide':
      return changed(outermost, frame =>
        isPayment(frame, paymentAddress) ? { ...frame, to: NOBODY } : frame,
      );
    case 'alter':
      return changed(outermost, frame =>
        isPayment(frame, paymentAddress) ? { ...frame, ...lie.change } : frame,
      );
    case 'empty':
      throw new Error('a trace that is empty is none');
  }
}

function isPayment({ to, value = '0x0' }: Frame, paymentAddress: string): boolean {
  return to?.toLowerCase() === paymentAddress && BigInt(value) > 0n;
}

function changed(frame: Frame, change: (frame: Frame) => Frame): Frame {
  const calls = frame.calls?.map(call => changed(call, change));
  return change(calls === undefined ? frame : { ...frame, calls });
}

/** Some fields of an answer are others; an answer without fields, as null, stays as it is. */
export function withFields(answer: unknown, fields: Readonly<Record<string, unknown>>): unknown {
  return typeof answer === 'object' && answer !== null ? { ...answer, ...fields } : answer;
}
