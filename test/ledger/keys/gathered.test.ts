import { expect, test } from 'vitest';
import { Gathered } from '../../../ledger/keys/gathered.ts';

/** A look-up that answers when it is told to. */
function slowLookUp() {
  const calls: { readonly asked: readonly string[]; readonly answer: () => void }[] = [];
  const gathered = new Gathered<string, string>(asked => {
    const { promise, resolve } = Promise.withResolvers<void>();
    calls.push({ asked, answer: resolve });
    return promise.then(() => asked.map(name => `${name}!`));
  });
  return { gathered, calls };
}

const nextTurn = () => new Promise(setImmediate);

test('what is asked in one turn is looked up together, and each gets its own answer', async () => {
  const { gathered, calls } = slowLookUp();
  const answers = Promise.all(['a', 'b', 'a'].map(name => gathered.ask(name)));
  await nextTurn();
  expect(calls.map(({ asked }) => asked)).toEqual([['a', 'b', 'a']]);
  calls[0]?.answer();
  expect(await answers).toEqual(['a!', 'b!', 'a!']);
});

test('no answer is older than its question: what is asked during a look-up is looked up after it', async () => {
  const { gathered, calls } = slowLookUp();
  const first = gathered.ask('a');
  await nextTurn();
  const later = Promise.all([gathered.ask('a'), gathered.ask('b')]);
  await nextTurn();
  expect(calls).toHaveLength(1);
  calls[0]?.answer();
  expect(await first).toBe('a!');
  await nextTurn();
  expect(calls.map(({ asked }) => asked)).toEqual([['a'], ['a', 'b']]);
  calls[1]?.answer();
  expect(await later).toEqual(['a!', 'b!']);
});

test('a look-up that fails is told to all whom it was for, and to nobody else', async () => {
  let count = 0;
  const gathered = new Gathered<string, string>(async asked => {
    count += 1;
    if (count === 1) throw new Error('the database is away');
    return asked.map(name => `${name}!`);
  });
  const failed = await Promise.allSettled([gathered.ask('a'), gathered.ask('b')]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await gathered.ask('c')).toBe('c!');
});

test('answers that are too few are an error, not somebody else’s', async () => {
  const gathered = new Gathered<string, string>(async () => []);
  await expect(gathered.ask('a')).rejects.toThrow('not every question was answered');
});

test('an answer that takes longer holds up no other, neither of its look-up nor of the next', async () => {
  const slow = Promise.withResolvers<string>();
  const gathered = new Gathered<string, string>(async asked =>
    asked.map(name => (name === 'slow' ? slow.promise : `${name}!`)),
  );
  const [waiting, quick] = [gathered.ask('slow'), gathered.ask('quick')];
  expect(await quick).toBe('quick!');
  expect(await gathered.ask('next')).toBe('next!');
  slow.resolve('at last');
  expect(await waiting).toBe('at last');
});
