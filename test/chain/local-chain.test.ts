/** Every payment of test/chain/table.ts on a local chain, whose reorgs are Anvil's own. */
import { describe } from 'vitest';
import { startPlainChain } from '../support/test-chain.ts';
import { playOn } from './play.ts';

describe('on a local chain', () => playOn(startPlainChain));
