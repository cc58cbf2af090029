import { type Context, type Event, ponder } from 'ponder:registry';
import { transfer } from 'ponder:schema';
import { type Hex, size, slice } from 'viem';

const INPUT_BYTES_MAX = 64;

type Transfer = Event<'PaymentAddress:transfer:from' | 'PaymentAddress:transfer:to'>;

/**
 * Writes one frame down. Reverted frames do not arrive here, nor do values of zero.
 *
 * No handler makes an RPC call: Ponder would answer it out of a cache by block number that outlives a reorg.
 */
async function record(
  db: Context['db'],
  direction: 'in' | 'out',
  { block, trace, transaction, ...event }: Transfer,
) {
  const { from, to, value } = event.transfer;
  await db
    .insert(transfer)
    .values({
      id: `${transaction.hash}:${trace.traceIndex}`,
      direction: from === to ? 'self' : direction,
      block_number: block.number,
      block_hash: block.hash,
      block_timestamp: block.timestamp,
      transaction_hash: transaction.hash,
      transaction_index: transaction.transactionIndex,
      transaction_type: transaction.type,
      trace_index: trace.traceIndex,
      frame_type: trace.type,
      from_address: from,
      to_address: to,
      amount_wei: value,
      input: head(trace.input),
      input_length: size(trace.input),
    })
    // A transfer to itself is offered twice, as incoming and as outgoing.
    .onConflictDoNothing();
}

function head(input: Hex): Hex {
  return size(input) > INPUT_BYTES_MAX ? slice(input, 0, INPUT_BYTES_MAX) : input;
}

ponder.on('PaymentAddress:transfer:to', ({ event, context }) => record(context.db, 'in', event));
ponder.on('PaymentAddress:transfer:from', ({ event, context }) => record(context.db, 'out', event));
