import { index, onchainTable } from 'ponder';

/**
 * One row per successful call frame that names a value and the payment address; of an RPC without traces only the
 * outermost frames.
 *
 * A row is what the trace says, not what it means: a DELEGATECALL or CALLCODE frame repeats its parent's value
 * although no ETH moves, and `from` of a SELFDESTRUCT is the contract that died. The ledger decides what counts.
 */
export const transfer = onchainTable(
  'transfer',
  t => ({
    /** `<transaction hash>:<trace index>` */
    id: t.text().primaryKey(),
    /** 'in', 'out' or 'self' */
    direction: t.text().notNull(),
    block_number: t.int8({ mode: 'bigint' }).notNull(),
    block_hash: t.hex().notNull(),
    /** Seconds since the epoch. */
    block_timestamp: t.int8({ mode: 'bigint' }).notNull(),
    transaction_hash: t.hex().notNull(),
    transaction_index: t.integer().notNull(),
    /** 'legacy', 'eip1559', …, or 'deposit' for money that comes from L1 through the bridge. */
    transaction_type: t.text().notNull(),
    /** Position of the frame in its transaction, depth first, the outermost call being 0. */
    trace_index: t.integer().notNull(),
    /** CALL, DELEGATECALL, CALLCODE, CREATE, CREATE2 or SELFDESTRUCT, as the trace calls it. */
    frame_type: t.text().notNull(),
    from_address: t.hex().notNull(),
    /** Null only if an RPC names no address for a created contract: better a gap than a stuck indexer. */
    to_address: t.hex(),
    amount_wei: t.bigint().notNull(),
    /** The frame's own input, its first 64 bytes: room for a reference, none for a stranger's megabyte. */
    input: t.hex().notNull(),
    /** Length of the whole input in bytes. */
    input_length: t.integer().notNull(),
  }),
  table => ({
    by_block: index().on(table.block_number),
    // The outgoing ones are few, and looked for again and again.
    by_direction: index().on(table.direction, table.block_number),
  }),
);
