import { sweepAndSeal } from '../sealing.ts';
import { spending } from './keys-cases.ts';
import type { RouteCases } from './route-case.ts';
import type { Stage } from './stage.ts';

export const PROOFS_CASES: RouteCases = {
  getProof: {
    succeeds: async stage => {
      const { secureKey } = await stage.api.customer();
      await seal(stage);
      return { path: '/v1/proof', bearer: secureKey };
    },
    problems: {
      // Nobody has sealed since.
      not_found: async ({ api }) =>
        api.call('GET', '/v1/proof', { bearer: (await api.customer()).secureKey }),
    },
  },
  getJournal: {
    succeeds: async ({ api }) => ({ path: '/v1/journal', bearer: (await api.customer()).secureKey }),
    problems: { scope_insufficient: spending('GET', '/v1/journal') },
  },
  listSeals: {
    succeeds: async stage => {
      await seal(stage);
      return { path: '/v1/operator/seals', bearer: stage.api.operatorToken };
    },
  },
};

/** Through now; the clock of the stage goes on by a microsecond, as nothing is sealed twice. */
async function seal({ api }: Stage): Promise<void> {
  await sweepAndSeal(api.database.url, api.now);
  api.now += 1n;
}
