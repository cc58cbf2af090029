import { type Context, type Event, ponder } from 'ponder:registry';
import { transfer } from 'ponder:schema';
import { type Hex, size, slice } from 'viem';

const INPUT_BYTES_MAX = 64;

type Transfer = Event<'PaymentAddress:transfer:from' | 'PaymentAddress:transfer:to'>;
type Sent = Event<'PaymentAddress:transaction:from' | 'PaymentAddress:transaction:to'>;
type Row = typeof transfer.$inferInsert;
/** What tells a frame from its transaction. */
type Frame = Pick<Row, 'trace_index' | 'frame_type' | 'from_address' | 'to_address' | 'amount_wei'>;

/**
 * Writes one frame down. Reverted frames do not arrive here, nor do values of zero.
 *
 * No handler makes an RPC call: Ponder would answer it out of a cache by block number that outlives a reorg.
 */
async function recordFrame(
  db: Context['db'],
  direction: 'in' | 'out',
  { block, trace, transaction, ...event }: Transfer,
) {
  const { from, to, value } = event.transfer;
  const frame = {
    trace_index: trace.traceIndex,
    frame_type: trace.type,
    from_address: from,
    to_address: to,
    amount_wei: value,
  };
  await record(db, direction, { block, transaction }, frame, trace.input);
}

/**
 * Writes the outermost frame of a transaction down, as its trace would have it: what an RPC without traces shows. Ponder
 * offers those that succeeded only.
 */
async function recordTransaction(
  db: Context['db'],
  direction: 'in' | 'out',
  { block, transaction, transactionReceipt }: Sent,
) {
  const { from, to, value, input } = transaction;
  if (value === 0n) return;
  const frame = {
    trace_index: 0,
    frame_type: to === null ? 'CREATE' : 'CALL',
    from_address: from,
    to_address: to ?? transactionReceipt.contractAddress,
    amount_wei: value,
  };
  await record(db, direction, { block, transaction }, frame, input);
}

async function record(
  db: Context['db'],
  direction: 'in' | 'out',
  { block, transaction }: Pick<Transfer, 'block' | 'transaction'>,
  frame: Frame,
  input: Hex,
) {
  await db
    .insert(transfer)
    .values({
      id: `${transaction.hash}:${frame.trace_index}`,
      direction: frame.from_address === frame.to_address ? 'self' : direction,
      block_number: block.number,
      block_hash: block.hash,
      block_timestamp: block.timestamp,
      transaction_hash: transaction.hash,
      transaction_index: transaction.transactionIndex,
      transaction_type: transaction.type,
      ...frame,
      input: head(input),
      input_length: size(input),
    })
    // A transfer to itself is offered twice, as incoming and as outgoing.
    .onConflictDoNothing();
}

function head(input: Hex): Hex {
  return size(input) > INPUT_BYTES_MAX ? slice(input, 0, INPUT_BYTES_MAX) : input;
}

if (process.env.INDEXER_WITHOUT_TRACES === '1') {
  ponder.on('PaymentAddress:transaction:to', ({ event, context }) =>
    recordTransaction(context.db, 'in', event),
  );
  ponder.on('PaymentAddress:transaction:from', ({ event, context }) =>
    recordTransaction(context.db, 'out', event),
  );
} else {
  ponder.on('PaymentAddress:transfer:to', ({ event, context }) => recordFrame(context.db, 'in', event));
  ponder.on('PaymentAddress:transfer:from', ({ event, context }) => recordFrame(context.db, 'out', event));
}
