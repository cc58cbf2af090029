/** The schedule by a clock in the test's hand, on a machine that is nowhere near UTC. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Instant } from '../../../ledger/core/instant.ts';
import { everyFullHour } from '../../../ledger/sweep/every-full-hour.ts';
import { writeInstant } from '../../support/scenario.ts';

const HOUR_MS = 3_600_000;
const zone = process.env.TZ;

let ticks: string[];
let stop: () => void;
beforeEach(() => {
  // Half an hour beside the full hours of UTC.
  process.env.TZ = 'Asia/Kolkata';
  vi.useFakeTimers({ now: new Date('2026-03-01T22:30:00.250Z') });
  ticks = [];
  stop = everyFullHour((fullHour: Instant) => ticks.push(writeInstant(fullHour)));
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

test('it ticks at midnight UTC and at each full hour, and never before', async () => {
  await vi.advanceTimersByTimeAsync(1.5 * HOUR_MS - 251);
  expect(new Date().toISOString()).toBe('2026-03-01T23:59:59.999Z');
  expect(ticks).toEqual(['2026-03-01 23:00']);
  await vi.advanceTimersByTimeAsync(1000);
  expect(ticks).toEqual(['2026-03-01 23:00', '2026-03-02 00:00']);
  await vi.advanceTimersByTimeAsync(24 * HOUR_MS);
  expect(ticks).toHaveLength(26);
  expect(ticks.at(-1)).toBe('2026-03-03 00:00');
});

test('a midnight that was slept through is told on waking up', async () => {
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  vi.setSystemTime(new Date('2026-03-02T00:20:00Z'));
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  expect(ticks).toContain('2026-03-02 00:00');
  expect(ticks.at(-1)).toBe('2026-03-02 01:00');
});

test('stopped, it ticks no more and holds nothing that would keep the process alive', async () => {
  expect(vi.getTimerCount()).toBe(1);
  stop();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(48 * HOUR_MS);
  expect(ticks).toEqual([]);
});
