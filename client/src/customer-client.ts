import type {
  Credits,
  Grant,
  GrantChange,
  GrantRequest,
  KeyStatus,
  Lot,
  Service,
  Transaction,
  UsageQuery,
  UsageSummary,
} from './account-types.ts';
import { itemsOf, type PageOptions, withQuery } from './pages.ts';
import { type ClientOptions, Transport } from './transport.ts';
import type { RateCard } from './types.ts';

/**
 * Reads an account and gives grants, for a customer with a Secure Key. `credits`, `key`, `services` and `rateCard` work
 * with any key; the others throw CreditsError with `scope_insufficient` unless it manages the account.
 */
export class CustomerClient {
  readonly #transport: Transport;

  constructor(options: ClientOptions & { readonly secureKey: string }) {
    this.#transport = new Transport(options, options.secureKey);
  }

  /** What is available and every live lot: now, or at an instant of the past. */
  credits(options: { readonly at?: string } = {}): Promise<Credits> {
    return this.#get(withQuery('/v1/credits', options));
  }

  /** Who am I: the key, its limit, and what was used with it. */
  key(): Promise<KeyStatus> {
    return this.#get('/v1/key');
  }

  /** Every lot, the newest first, those that have ended included. */
  lots(options?: PageOptions): AsyncGenerator<Lot, void, undefined> {
    return this.#list('/v1/lots', 'lots', options);
  }

  /** Every entry of the account, the newest first. */
  transactions(options?: PageOptions): AsyncGenerator<Transaction, void, undefined> {
    return this.#list('/v1/transactions', 'transactions', options);
  }

  /** What was used, by day, service, model or key. */
  usage(query: UsageQuery = {}): Promise<UsageSummary> {
    return this.#get(withQuery('/v1/usage', query));
  }

  /** The price list in force. Throws CreditsError with `rate_card_missing` where the operator has published none. */
  rateCard(): Promise<RateCard> {
    return this.#get('/v1/rate-card');
  }

  /** The services that a grant may be given to. */
  async services(): Promise<readonly Service[]> {
    return (await this.#get<{ readonly services: readonly Service[] }>('/v1/services')).services;
  }

  /** Every grant, the newest first, those that have ended included. */
  grants(options?: PageOptions): AsyncGenerator<Grant, void, undefined> {
    return this.#list('/v1/grants', 'grants', options);
  }

  /**
   * Lets a service spend from the account without a key. Not tried again when no answer came, as that could make two:
   * look at `grants` then.
   */
  createGrant(grant: GrantRequest): Promise<Grant> {
    return this.#transport.send({ method: 'POST', path: '/v1/grants', body: grant });
  }

  /** Changes the label or the limit of a grant; throws CreditsError with `not_found` for one that is revoked. */
  changeGrant(grantId: string, change: GrantChange): Promise<Grant> {
    return this.#transport.send({ method: 'PATCH', path: grantPath(grantId), body: change });
  }

  /** Ends a grant at once; throws CreditsError with `not_found` for one that is revoked already. */
  revokeGrant(grantId: string): Promise<void> {
    return this.#transport.send({ method: 'DELETE', path: grantPath(grantId) });
  }

  #get<Answer>(path: string): Promise<Answer> {
    return this.#transport.send({ method: 'GET', path });
  }

  #list<Item>(
    path: string,
    member: string,
    options: PageOptions = {},
  ): AsyncGenerator<Item, void, undefined> {
    return itemsOf(async before => {
      const page = await this.#get<Record<string, unknown>>(withQuery(path, { ...options, before }));
      return { items: page[member] as readonly Item[], next: page.next as string | null };
    });
  }
}

function grantPath(grantId: string): string {
  return `/v1/grants/${encodeURIComponent(grantId)}`;
}
