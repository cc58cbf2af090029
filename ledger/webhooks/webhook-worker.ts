import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { DAY, type Instant } from '../core/instant.ts';
import { isPassing } from '../posting/passing-errors.ts';
import { instantText } from '../store/instant-text.ts';
import type { WebhookContext } from './context.ts';
import { Dispatcher } from './dispatcher.ts';
import { followBooks } from './follow.ts';

/** How often the books of endpoints are looked at, and what is due is sent. */
const POLL_MS = 250;
/** After the database was away. */
const PAUSE_MS = 2000;
/** How often old messages are cleared away. */
const CLEAR_MS = 3_600_000;

/** What was sent or given up is shown for so long: longer than any lot lives, which is told of once. */
const KEPT = 90n * DAY;

export interface WebhookWorker {
  /** Finishes the attempts that are under way, then ends. */
  stop(): Promise<void>;
}

/** Follows the books of endpoints and sends what they are to be told, until stopped. Any number may run at once. */
export function startWebhookWorker(context: WebhookContext): WebhookWorker {
  const stopping = new AbortController();
  const done = run(context, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function run(context: WebhookContext, stopping: AbortSignal): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping }).catch(() => {});
  const dispatcher = new Dispatcher(context);
  let clearAt = 0;
  let lastError = '';
  while (!stopping.aborted) {
    try {
      if (performance.now() >= clearAt) {
        await clearOld(context);
        clearAt = performance.now() + CLEAR_MS;
      }
      await followBooks(context, await context.now());
      await dispatcher.start(await context.now());
      if (lastError !== '') context.log('webhooks are sent again');
      lastError = '';
      await pause(POLL_MS);
    } catch (error) {
      const message = describe(error);
      if (message !== lastError) context.log(`webhooks could not be sent, trying again: ${message}`);
      lastError = message;
      await pause(PAUSE_MS);
    }
  }
  await dispatcher.idle();
}

async function clearOld({ db, now, bucketCount }: WebhookContext): Promise<void> {
  const before = sql<Instant>`${instantText((await now()) - KEPT)}::timestamptz`;
  // A bucket at a time: on a cluster a statement that writes is of one.
  const old = await db
    .selectFrom('webhook_deliveries')
    .select('bucket')
    .distinct()
    .where('status', '<>', 'pending')
    .where('created_at', '<', before)
    .limit(bucketCount)
    .execute();
  for (const { bucket } of old)
    await db
      .deleteFrom('webhook_deliveries')
      .where('bucket', '=', bucket)
      .where('status', '<>', 'pending')
      .where('created_at', '<', before)
      .execute();
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isPassing(error) ? error.message || 'the database is away' : (error.stack ?? error.message);
}
