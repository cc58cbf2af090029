import { expect, test } from 'vitest';
import { HOUR, SECOND } from '../../../ledger/core/instant.ts';
import { PAUSED_AFTER, RETRIES, retryDelay } from '../../../ledger/webhooks/backoff.ts';
import { randomFrom } from '../../support/random-from.ts';

const ALL = Array.from({ length: RETRIES }, (_, index) => index + 1);
const sum = (random: () => number) => ALL.reduce((total, count) => total + retryDelay(count, random()), 0n);

test('the waits without jitter: four times as long each, up to 12 hours', () => {
  expect(ALL.map(count => retryDelay(count, 0.5) / SECOND)).toEqual([
    ...[10n, 40n, 160n, 640n, 2560n, 10_240n, 40_960n],
    ...[43_200n, 43_200n, 43_200n, 43_200n, 43_200n],
  ]);
});

test('are a fifth shorter or longer by the jitter, and never beyond', () => {
  for (const count of ALL) {
    const plain = retryDelay(count, 0.5);
    expect(retryDelay(count, 0)).toBe((plain * 4n) / 5n);
    expect(retryDelay(count, 1 - 2 ** -53)).toBeLessThanOrEqual((plain * 6n) / 5n);
    expect(retryDelay(count, 1 - 2 ** -53)).toBeGreaterThan((plain * 119n) / 100n);
  }
});

test('take about three days together, and never less than it takes to be paused', () => {
  expect(sum(() => 0.5) / HOUR).toBe(75n);
  expect(sum(() => 0)).toBeGreaterThanOrEqual(PAUSED_AFTER);
  expect(sum(() => 1) / HOUR).toBe(90n);
});

test('differ between messages that fail together', () => {
  const random = randomFrom(8453);
  const waits = Array.from({ length: 100 }, () => retryDelay(3, random()));
  expect(new Set(waits).size).toBeGreaterThan(90);
});
