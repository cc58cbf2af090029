/**
 * The books against the chain. At final blocks the balance of the payment address is compared with what is recorded of
 * it: the opening balance, plus receipts, less withdrawals and gas. A check is kept when something was wrong or set
 * right, and once a day; between two checks the facts are added up from the last one on, and all of them only then.
 *
 * Worked example: checks at block 100 (5 ETH) and 200 (9 ETH), receipts of 3 ETH in between. 1 ETH is unexplained.
 * Halving the range finds that it came in block 157: checks are kept at 156 and 157, 1 ETH goes to suspense as of
 * block 157, and a receipt that turns up there later takes its place.
 */
import { clearAlarm, raiseAlarm } from '../alarms/alarm.ts';
import { lesserOf } from '../core/amount.ts';
import { DAY, HOUR, type Instant, instantOfSeconds } from '../core/instant.ts';
import { type AddressState, agreedStateAt } from './address-state.ts';
import { readStandingDifferences, recordDifferences, reviewDifferences } from './balance-differences.ts';
import {
  type BalanceCheck,
  readBalanceProgress,
  readDifferences,
  readDifferingChecks,
  readEndChecks,
  readMoved,
  recordChecks,
  writeBalanceProgress,
} from './balance-facts.ts';
import {
  type ChainBlock,
  isRpcFailure,
  readBlock,
  readTaggedBlock,
  UnusableAnswerError,
} from './chain-answers.ts';
import type { IntakeContext } from './context.ts';
import { countSent, recordIndexedWithdrawals, recordSentTransactions } from './find-outgoing.ts';
import { readFirstNoticed } from './receipt-facts.ts';

/** Only every so often, as it asks the RPC. */
const CHECK_EVERY_BLOCKS = 32n;
/** All facts are added up, and a check is kept, at least as often. */
const FULL_CHECK_EVERY = DAY;
/** How long the balance may go uncompared before a person must know. */
const OVERDUE = HOUR;
/** So many places are looked for at a time; what is left over is one range. */
const PLACES_MAX = 8;

/** A context that knows the first block the indexer looks at. */
export type BalanceContext = IntakeContext & { readonly startBlock: bigint };

/**
 * Compares when enough blocks have become final since the last time; `indexedBlock` is how far the indexer is complete.
 * Where differences stand, looks every time whether something explains them by now. Throws when the RPC
 * does not answer.
 */
export async function checkBalanceWhenDue(context: BalanceContext, indexedBlock: bigint): Promise<void> {
  await reviewDifferences(context);
  const known = await readBalanceProgress(context.db, context.installation.chainId);
  const isDue = (block: bigint) =>
    known === null || block >= known.progress.compared_block + CHECK_EVERY_BLOCKS;
  if (!isDue(indexedBlock)) return;
  try {
    const final = await readTaggedBlock(context.client, 'finalized');
    const through = lesserOf(final.number, indexedBlock);
    // A tag that stands still would switch the check off in silence.
    if (isDue(through)) await checkBalance(context, through);
    else await tellWhenOverdue(context, await context.now());
  } catch (error) {
    if (isRpcFailure(error)) await tellWhenOverdue(context, await context.now());
    throw error;
  }
}

/**
 * Compares the balance at `throughBlock`, which is final and up to which the indexer is complete. Records and books what
 * left the address and what is unexplained, and raises or ends the alarms. Throws viem's error when the RPC does not
 * answer; what was recorded until then stays, and the next time goes on from there.
 */
export async function checkBalance(context: BalanceContext, throughBlock: bigint): Promise<void> {
  const { chainId } = context.installation;
  const hasLeftFork = await abandonOrphans(context, throughBlock);
  const wasMisled = await abandonUntrue(context);
  const now = await context.now();
  const here = await agreedStateAt(context, throughBlock);
  if (here === null) return await tellUnchecked(context, now);
  await recordIndexedWithdrawals(context, throughBlock);
  const checks = (await readEndChecks(context.db, chainId)) ?? (await open(context, here, now));
  if (checks === null || throughBlock <= checks.newest.block_number) return;

  const stored = hasLeftFork || wasMisled ? null : await readBalanceProgress(context.db, chainId);
  const { newest } = checks;
  const sent = stored
    ? { blockNumber: stored.progress.sent_block, nonce: stored.progress.sent_nonce }
    : { blockNumber: newest.block_number, nonce: newest.nonce };
  const areSentKnown = await recordSentTransactions(context, sent, here);
  if (!areSentKnown)
    context.log(
      `transactions sent after block ${sent.blockNumber} are not known: the RPC has no state of then`,
    );
  await compare(context, checks, here, now);
  await clearAlarm(context, 'balance_unchecked');
  const { blockNumber: sentBlock, nonce: sentNonce } = areSentKnown ? here : sent;
  const progress = { compared_block: throughBlock, sent_block: sentBlock, sent_nonce: sentNonce };
  await writeBalanceProgress(context.db, { chain_id: chainId, ...progress }, now);
}

/** Takes back the checks of blocks that the chain no longer has. Returns whether there were any. */
async function abandonOrphans(context: BalanceContext, throughBlock: bigint): Promise<boolean> {
  for (let count = 0; ; count += 1) {
    const checks = await readEndChecks(context.db, context.installation.chainId);
    const newest = checks?.newest;
    if (!newest || newest.block_number > throughBlock) return count > 0;
    const { hash } = await finalBlock(context, newest.block_number);
    if (hash === newest.block_hash) return count > 0;
    context.log(
      `block ${newest.block_number} was final and is gone: its balance is not compared with any more`,
    );
    await abandon(context, newest);
  }
}

/**
 * Asks again for the balances between which something is unexplained, and takes back the checks of those that the RPC
 * told wrongly: what it said once would else stand for ever, as too much in one block and too little in another.
 */
async function abandonUntrue(context: BalanceContext): Promise<boolean> {
  let count = 0;
  for (const check of await readDifferingChecks(context.db, context.installation.chainId)) {
    const state = await agreedStateAt(context, check.block_number);
    if (state === null || (state.balanceWei === check.balance_wei && state.nonce === check.nonce)) continue;
    context.log(
      `the balance of block ${check.block_number} is another than the RPC told: it is compared again`,
    );
    await abandon(context, check);
    count += 1;
  }
  return count > 0;
}

async function abandon(context: BalanceContext, check: BalanceCheck): Promise<void> {
  await recordChecks(context.db, [{ ...check, outcome: 'abandoned', decided_at: await context.now() }]);
}

async function finalBlock(context: BalanceContext, number: bigint): Promise<ChainBlock> {
  const block = await readBlock(context.client, number);
  if (block === null) throw new UnusableAnswerError(`it has no block ${number}, which is final`);
  return block;
}

/**
 * Records the opening: what was there before the first block that is indexed. Where the RPC has no state of then, it is
 * what is there now less everything recorded since. Null while that block is not final.
 */
async function open(context: BalanceContext, here: AddressState, now: Instant) {
  const { db } = context;
  const blockNumber = context.startBlock > 0n ? context.startBlock - 1n : 0n;
  if (here.blockNumber <= blockNumber) return null;
  const observed = await agreedStateAt(context, blockNumber);
  const state = observed ?? {
    blockNumber,
    balanceWei: here.balanceWei - (await readMoved(db, blockNumber, here.blockNumber)),
    nonce: here.nonce - (await countSent(context, blockNumber, here.blockNumber)),
  };
  const opening: BalanceCheck = {
    ...(await describe(context, state, now)),
    outcome: observed ? 'observed' : 'inferred',
    explained_wei: 0n,
    unexplained_wei: 0n,
  };
  await recordChecks(db, [opening]);
  const how = observed ? '' : ', inferred from now, as the RPC has no state of then';
  context.log(`the balance opens with ${state.balanceWei} wei at block ${blockNumber}${how}`);
  return { opening, newest: opening };
}

async function compare(
  context: BalanceContext,
  { opening, newest }: { readonly opening: BalanceCheck; readonly newest: BalanceCheck },
  here: AddressState,
  now: Instant,
): Promise<void> {
  const { db, installation } = context;
  const last = { blockNumber: newest.block_number, balanceWei: newest.balance_wei };
  const beyond = await beyondExplained(context, last, here);
  const standing = await readStandingDifferences(db);
  const isFullDue = now - newest.decided_at >= FULL_CHECK_EVERY;
  if (beyond === 0n && newest.unexplained_wei === 0n && standing.length === 0 && !isFullDue)
    return await recordDifferences(context, [], []);

  const checkAt = async (state: AddressState): Promise<BalanceCheck> => {
    const explained = await readMoved(db, opening.block_number, state.blockNumber);
    return {
      ...(await describe(context, state, now)),
      outcome: 'observed',
      explained_wei: explained,
      unexplained_wei: state.balanceWei - opening.balance_wei - explained,
    };
  };
  // Kept before anything is booked: after a crash in between they say that something is unexplained.
  if (beyond !== 0n) {
    const places = await locate(context, last, here);
    const checks: BalanceCheck[] = [];
    for (const place of places) checks.push(await checkAt(place));
    await recordChecks(db, checks);
  }
  await recordDifferences(context, standing, await readDifferences(db, installation.chainId));
  if (beyond !== 0n) return;
  const check = await checkAt(here);
  if (isFullDue || check.unexplained_wei !== newest.unexplained_wei) await recordChecks(db, [check]);
}

type BalanceAt = Pick<AddressState, 'blockNumber' | 'balanceWei'>;

/** By how much the balance changed between two blocks beyond what is recorded of them. */
async function beyondExplained(context: BalanceContext, from: BalanceAt, to: BalanceAt): Promise<bigint> {
  return to.balanceWei - from.balanceWei - (await readMoved(context.db, from.blockNumber, to.blockNumber));
}

/**
 * Where between `from` and `here` the balance changed beyond what is explained: the states around each place, a block
 * apart if the RPC still has the states in between, in the order of the chain.
 */
async function locate(context: BalanceContext, from: BalanceAt, here: AddressState): Promise<AddressState[]> {
  const around: AddressState[] = [];
  let start = from;
  for (let places = 0; places < PLACES_MAX; places += 1) {
    if ((await beyondExplained(context, start, here)) === 0n) return around;
    let before: AddressState | null = null;
    let after = here;
    // Blocks up to this one are in order, or nothing is known of them.
    let floor = start.blockNumber;
    while (after.blockNumber - floor > 1n) {
      const middle = (floor + after.blockNumber) / 2n;
      const state = await agreedStateAt(context, middle);
      const isInOrder = state !== null && (await beyondExplained(context, start, state)) === 0n;
      if (isInOrder) before = state;
      if (state === null || isInOrder) floor = middle;
      else after = state;
    }
    if (before) around.push(before);
    around.push(after);
    start = after;
  }
  if (start.blockNumber < here.blockNumber) around.push(here);
  return around;
}

/** What a check says of the block and the address. */
async function describe(context: BalanceContext, state: AddressState, now: Instant) {
  const { blockNumber, balanceWei, nonce } = state;
  const block = await finalBlock(context, blockNumber);
  return {
    chain_id: context.installation.chainId,
    block_number: blockNumber,
    block_hash: block.hash,
    block_at: instantOfSeconds(block.timestamp),
    balance_wei: balanceWei,
    nonce,
    decided_at: now,
  };
}

/** Whatever keeps the balance from being compared: a person is told when it does for long, and something came since. */
async function tellWhenOverdue(context: BalanceContext, now: Instant): Promise<void> {
  const known = await readBalanceProgress(context.db, context.installation.chainId);
  const since = known?.updatedAt ?? (await readFirstNoticed(context.db));
  if (since !== null && now - since >= OVERDUE) await tellUnchecked(context, now);
}

/** A newer block may have its state; a person is told when that does not help for long. */
async function tellUnchecked(context: BalanceContext, now: Instant): Promise<void> {
  const known = await readBalanceProgress(context.db, context.installation.chainId);
  if (known && now - known.updatedAt < OVERDUE) return;
  await raiseAlarm(context, {
    kind: 'balance_unchecked',
    subject: context.installation.paymentAddress,
    message: 'The RPC does not tell the balance at final blocks.',
  });
}
