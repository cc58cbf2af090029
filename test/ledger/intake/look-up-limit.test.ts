import { expect, it } from 'vitest';
import { LookUpLimit } from '../../../ledger/intake/look-up-limit.ts';
import { OverloadedError } from '../../../ledger/posting/lane.ts';

it('does four at once, and another when one has ended, however it did', async () => {
  const limit = new LookUpLimit(() => 0);
  const ends: PromiseWithResolvers<string>[] = [];
  const begin = () => {
    const end = Promise.withResolvers<string>();
    ends.push(end);
    return limit.admit(() => end.promise);
  };
  const underWay = [begin(), begin(), begin(), begin()];
  await expect(begin()).rejects.toBeInstanceOf(OverloadedError);
  ends[0]?.resolve('found');
  expect(await underWay[0]).toBe('found');
  ends[1]?.reject(new Error('away'));
  await expect(underWay[1]).rejects.toThrow('away');
  const later = [begin(), begin()];
  await expect(begin()).rejects.toBeInstanceOf(OverloadedError);
  for (const end of ends) end.resolve('found');
  expect(await Promise.all(later)).toEqual(['found', 'found']);
});

it('does sixty in ten seconds', async () => {
  let nowMs = 5;
  const limit = new LookUpLimit(() => nowMs);
  const look = () => limit.admit(async () => 'found');
  for (let count = 0; count < 60; count += 1) expect(await look()).toBe('found');
  await expect(look()).rejects.toBeInstanceOf(OverloadedError);
  nowMs += 9_999;
  await expect(look()).rejects.toBeInstanceOf(OverloadedError);
  nowMs += 1;
  expect(await look()).toBe('found');
});
