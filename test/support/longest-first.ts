import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The files that take longest, the longest first. */
const LONGEST = [
  'test/stack/liars.test.ts',
  'test/proof/busy-year.test.ts',
  'test/stack/start.test.ts',
  'test/api/hostile-input.test.ts',
  'test/stack/lying-rpc.test.ts',
  'test/api/contract.test.ts',
  'test/ledger/core/small-scopes.test.ts',
  'test/stack/reorgs.test.ts',
  'test/chain/fork-of-local-chain.test.ts',
  'test/api/program.test.ts',
  'test/project/checks.test.ts',
  'test/chain/local-chain.test.ts',
  'test/indexer/indexer.test.ts',
  'test/cli/verify.test.ts',
  'test/cli/replay.test.ts',
  'test/cli/audit-chain.test.ts',
  'test/ledger/chain-audit/audit-chain.test.ts',
  'test/stack/payments.test.ts',
  'test/stack/crash.test.ts',
  'test/web/account-page.test.ts',
  'test/web/crypto-page.test.ts',
  'test/web/buy-page.test.ts',
  'test/docs/integrate.test.ts',
  'test/cli/seal.test.ts',
  'test/client/client.test.ts',
  'test/dev/postgres.test.ts',
  'test/stack/balance.test.ts',
  'test/ledger/sweep/sweep.test.ts',
  'test/ledger/cards/card-events.test.ts',
  'test/ledger/cluster/distribute.test.ts',
  'test/api/env-example.test.ts',
  'test/dev/supervisor.test.ts',
  'test/ledger/posting/crash.test.ts',
  'test/api/wallets.test.ts',
].map(path => {
  if (!existsSync(ROOT + path)) throw new Error(`${path} is gone: take it off the list in longest-first.ts.`);
  return ROOT + path;
});

/**
 * Starts the long files first, so that no worker is left alone with one at the end. Vitest does so by itself where it
 * remembers an earlier run, which a fresh checkout does not.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = LONGEST.indexOf(moduleId);
      return index < 0 ? LONGEST.length : index;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
