import { Writable } from 'node:stream';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { sendTogether } from '../../../ledger/store/run-sql.ts';

/** A connection that notes what it writes to the network, and in how many pieces. */
function connection() {
  const pieces: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      pieces.push(String(chunk));
      done();
    },
    writev(chunks, done) {
      pieces.push(chunks.map(({ chunk }) => String(chunk)).join(''));
      done();
    },
  });
  return { client: { connection: { stream } } as unknown as pg.ClientBase, stream, pieces };
}

const nextTurn = () => new Promise(setImmediate);

test('what is sent together leaves in one piece, at once', async () => {
  const { client, stream, pieces } = connection();
  const answer = sendTogether(client, () => {
    for (const statement of ['begin;', 'lock;', 'load;']) stream.write(statement);
    expect(pieces).toEqual([]);
    return 'sent';
  });
  expect([answer, pieces]).toEqual(['sent', ['begin;lock;load;']]);
});

test('what could not be sent whole leaves nothing waiting', async () => {
  const { client, stream, pieces } = connection();
  const failing = () => {
    stream.write('begin;');
    throw new Error('no such type');
  };
  expect(() => sendTogether(client, failing)).toThrow('no such type');
  stream.write('rollback;');
  await nextTurn();
  expect(pieces.join('')).toBe('begin;rollback;');
});
