import type { Progress } from './progress.ts';

/**
 * Ponder standing still for so long while the chain moves is stuck: on a reorg deeper than it remembers, or on asking
 * again and again, up to two minutes, for a block that the chain has replaced while it was being fetched.
 */
const STALL_MS = 30_000;
/** After an outage Ponder's retries are up to a minute apart; starting it again takes a few seconds. */
const RESUME_MS = 5_000;
/** So many silences in a row are an outage; a single one is a public RPC's ordinary day. */
const OUTAGE_SILENCES = 3;

export type Observation = { nowMs: number; head: bigint | undefined; progress: Progress };

/** Watches one life of Ponder: tells, observation by observation, why it should end, or undefined. */
export function stallDetector(): (observation: Observation) => string | undefined {
  let movedAtMs: number | undefined;
  let last: Progress | undefined;
  let silences = 0;
  let chainBackAtMs: number | undefined;

  return ({ nowMs, head, progress }) => {
    const moved = progress.checkpoint !== last?.checkpoint || progress.ready !== last.ready;
    last = progress;
    if (head === undefined) {
      silences += 1;
      return undefined;
    }
    const wasOutage = silences >= OUTAGE_SILENCES;
    silences = 0;
    const isWell = moved || head <= progress.blockNumber;
    if (isWell) chainBackAtMs = undefined;
    else if (wasOutage) chainBackAtMs = nowMs;
    if (isWell || movedAtMs === undefined) movedAtMs = nowMs;
    if (chainBackAtMs !== undefined && nowMs - chainBackAtMs >= RESUME_MS) {
      return 'did not resume when the chain came back';
    }
    // A backfill may be busy for long between two checkpoints, so before it is ready only an outage counts.
    if (progress.ready && nowMs - movedAtMs >= STALL_MS) {
      return `stands still at block ${progress.blockNumber} while the chain is at ${head}`;
    }
    return undefined;
  };
}
