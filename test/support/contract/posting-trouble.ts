/** What happens to a command while the books cannot be posted to. */
import { vi } from 'vitest';
import type { Stage } from './stage.ts';

/** As Lane has it: so many commands wait before the next is turned away. */
const QUEUE_MAX = 20_000;

/** What `ask` is answered while nothing more can wait for the book of `accountId`. */
export async function whileOverloaded<Answered>(
  { api }: Stage,
  accountId: bigint,
  ask: () => Promise<Answered>,
): Promise<Answered> {
  const unlock = await api.lockBook(accountId);
  const waiting: Promise<unknown>[] = [];
  try {
    waiting.push(api.ledger.advance(accountId));
    await vi.waitUntil(
      async () => {
        const blocked = await api.query(
          `select from pg_stat_activity where application_name = 'credits-posting' and wait_event_type = 'Lock'
             and datname = current_database()`,
        );
        return blocked.length > 0;
      },
      { timeout: 60_000, interval: 20 },
    );
    for (let count = 0; count < QUEUE_MAX; count += 1) waiting.push(api.ledger.advance(accountId));
    return await ask();
  } finally {
    await unlock();
    await Promise.allSettled(waiting);
  }
}

/** What `ask` is answered when posting loses the database and time runs out after a few looks at the watch. */
export async function whileOutcomesAreUnknown<Answered>(
  { gate }: Stage,
  ask: () => Promise<Answered>,
): Promise<Answered> {
  let watch = performance.now();
  const look = vi.spyOn(performance, 'now').mockImplementation(() => {
    watch += 5000;
    return watch;
  });
  gate.cut(/credits-posting/);
  try {
    return await ask();
  } finally {
    look.mockRestore();
    gate.mend();
  }
}
