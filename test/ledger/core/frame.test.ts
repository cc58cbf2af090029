import { expect, test } from 'vitest';
import { judgeFrame } from '../../../ledger/core/frame.ts';

test.each([
  ['CALL', 'eip1559', 'in', 'payment'],
  ['call', 'legacy', 'in', 'payment'],
  ['CALL', 'eip7702', 'in', 'payment'],
  ['CALL', 'deposit', 'in', 'unattributed'],
  ['SELFDESTRUCT', 'eip1559', 'in', 'unattributed'],
  ['SELFDESTRUCT', 'deposit', 'in', 'unattributed'],
  // Frames that repeat their parent's value although no ETH moves.
  ['DELEGATECALL', 'eip1559', 'in', 'refused'],
  ['delegatecall', 'eip1559', 'in', 'refused'],
  ['CALLCODE', 'eip1559', 'in', 'refused'],
  ['DELEGATECALL', 'deposit', 'in', 'refused'],
  ['STATICCALL', 'eip1559', 'in', 'refused'],
  ['CREATE', 'eip1559', 'in', 'refused'],
  ['CREATE2', 'eip1559', 'in', 'refused'],
  ['something new', 'eip1559', 'in', 'refused'],
  ['', 'eip1559', 'in', 'refused'],
  ['CALL', 'eip1559', 'out', 'refused'],
  ['CALL', 'eip1559', 'self', 'refused'],
  ['SELFDESTRUCT', 'eip1559', 'self', 'refused'],
] as const)('%s of a transaction of type %s, %s: %s', (frameType, transactionType, direction, verdict) => {
  expect(judgeFrame({ frameType, transactionType, direction })).toBe(verdict);
});
