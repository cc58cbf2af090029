/** What operators see and decide beside single receipts: accounts, prices, services and tokens, and who did what. */
import type { Instant } from './core/instant.ts';
import type { MadeToken } from './keys/access-tokens.ts';
import {
  type AccessToken,
  makeServiceToken,
  type OperatorContext,
  type OperatorWord,
  readServices,
  readTokens,
  registerService,
  revokeToken,
  type Service,
} from './operators/service-tokens.ts';
import { type AccountPapers, readAccountPapers } from './reads/account-papers.ts';
import { type Credits, readCredits } from './reads/credits.ts';
import { type Debtor, readDebtors } from './reads/open-debt.ts';
import { type ActionCursor, type ActionPage, readOperatorActions } from './reads/operator-actions.ts';
import { type PriceCursor, type PricePage, readPriceRecords } from './reads/price-records.ts';
import { type RecentReceipt, readRecentReceipts } from './reads/recent-receipts.ts';
import { type AccountWallets, readWallets } from './wallets/read-wallets.ts';

/** Everything about an account that is no secret. */
export type Account = AccountPapers &
  Pick<AccountWallets, 'wallets'> & {
    readonly accountId: bigint;
    readonly credits: Credits;
  };

export class Operators {
  readonly #context: OperatorContext;

  constructor(context: OperatorContext) {
    this.#context = context;
  }

  /** An account with its credits, keys, wallets and newest orders; null when there is none. */
  async account(accountId: bigint, now: Instant): Promise<Account | null> {
    const papers = await readAccountPapers(this.#context, accountId);
    if (!papers) return null;
    const { wallets } = await readWallets(this.#context, accountId, now);
    const credits = await readCredits(this.#context, accountId, now);
    return { accountId, credits, wallets, ...papers };
  }

  /** What operators did, a page at a time, the newest first. */
  actions(page: { readonly before?: ActionCursor | undefined; readonly limit: number }): Promise<ActionPage> {
    return readOperatorActions(this.#context.db, page);
  }

  /** The prices that payments were given, a page at a time, the newest first. */
  prices(page: { readonly before?: PriceCursor | undefined; readonly limit: number }): Promise<PricePage> {
    return readPriceRecords(this.#context.db, page);
  }

  /** The accounts that owe most, at most `limit` of them, the largest debt first. */
  debtors(limit: number): Promise<Debtor[]> {
    return readDebtors(this.#context.db, limit);
  }

  /** The newest payments of both rails, at most `limit` of them, the newest first. */
  recentReceipts(limit: number): Promise<RecentReceipt[]> {
    return readRecentReceipts(this.#context.db, limit);
  }

  /** Every AI service, in the order in which they were registered. */
  services(): Promise<Service[]> {
    return readServices(this.#context.db);
  }

  /** Every token that was ever made, the newest first; nothing in it opens anything. */
  tokens(): Promise<AccessToken[]> {
    return readTokens(this.#context.db);
  }

  /** Registers a service and makes its first token, shown here once. */
  registerService(
    name: string,
    word: OperatorWord,
  ): Promise<(MadeToken & { readonly serviceId: number }) | 'service_exists'> {
    return registerService(this.#context, name, word);
  }

  /** A further token of a service, shown here once; null when there is no such service. */
  makeServiceToken(name: string, word: OperatorWord): Promise<MadeToken | null> {
    return makeServiceToken(this.#context, name, word);
  }

  /** Ends a token at once. Returns since when it is revoked; null when there is no such token. */
  revokeToken(id: string, word: OperatorWord): Promise<Instant | null> {
    return revokeToken(this.#context, id, word);
  }
}
