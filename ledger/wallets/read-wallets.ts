import type { Instant } from '../core/instant.ts';
import { linkedSince, recoveryRight } from '../core/wallet-link.ts';
import { type LinkOptions, readLinksOfAccount } from './wallet-links.ts';

/** A wallet that is linked with an account, or was and can still recover it. */
export interface AccountWallet {
  /** In lower case. */
  readonly address: string;
  /** Since when its payments go to the account; null: they no longer do. */
  readonly linkedSince: Instant | null;
  readonly recoversFrom: Instant;
  /** Null: as long as it is linked. */
  readonly recoversUntil: Instant | null;
}

export interface AccountWallets {
  readonly wallets: readonly AccountWallet[];
  /** Every recovery that there was, the newest first. */
  readonly recoveries: readonly { readonly address: string; readonly at: Instant }[];
}

/** Which wallets are linked with an account at `now`, and which have recovered it. */
export async function readWallets(
  options: LinkOptions,
  accountId: bigint,
  now: Instant,
): Promise<AccountWallets> {
  const links = [...(await readLinksOfAccount(options, accountId))];
  const recoveries = await options.db
    .selectFrom('wallet_proofs')
    .select(['address', 'accepted_at as at'])
    .where('account_id', '=', accountId)
    .where('action', '=', 'recover')
    .orderBy('accepted_at', 'desc')
    .execute();
  return {
    wallets: links.flatMap(([address, facts]) => {
      const right = recoveryRight(facts, now);
      return right
        ? [
            {
              address,
              linkedSince: linkedSince(facts),
              recoversFrom: right.from,
              recoversUntil: right.until,
            },
          ]
        : [];
    }),
    recoveries,
  };
}
