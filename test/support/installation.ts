import type { InstallationWanted } from '../../ledger/index.ts';

export const TEMPLATE = 'credits_template';

export const PAYMENT_ADDRESS = '0xa7f3ad0e69f61864092fabba6cee00af6e584689';

/** What the test databases say they are. */
export const TEST_INSTALLATION: InstallationWanted = {
  mode: 'dev',
  chainId: 8453,
  genesisHash: `0x${'00'.repeat(32)}`,
  paymentAddress: PAYMENT_ADDRESS,
};
