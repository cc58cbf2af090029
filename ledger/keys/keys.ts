import type { Instant } from '../core/instant.ts';
import {
  type AccountKeysOptions,
  type CredentialChange,
  changeKey,
  createKey,
  type KeyRefusal,
  type KeyStatus,
  type KeyWanted,
  type NewKey,
  readKey,
  readKeys,
  revokeKey,
  rotateKey,
} from './account-keys.ts';
import type { KeyHolder, ServiceIdentity, Spender } from './authenticate.ts';
import { type CredentialNames, readCredentialNames } from './credential-names.ts';
import {
  authenticateGrant,
  changeGrant,
  createGrant,
  type GrantRefusal,
  type GrantStatus,
  type GrantWanted,
  readGrants,
  readServices,
  revokeGrant,
} from './grants.ts';
import { endSession, type NewSession, openSession } from './sessions.ts';

/** Which page of keys or grants: behind the number `before`, the `next` of the page before. */
export interface NumberPage {
  readonly before?: number | undefined;
  readonly limit: number;
}

/** The keys and grants of accounts: what each of its methods promises is told where the function of that name is. */
export class Keys {
  readonly #options: AccountKeysOptions;
  readonly #clock: () => Promise<Instant>;

  constructor(options: AccountKeysOptions, clock: () => Promise<Instant>) {
    this.#options = options;
    this.#clock = clock;
  }

  async create(accountId: bigint, wanted: KeyWanted): Promise<NewKey | { readonly refusal: KeyRefusal }> {
    return await createKey(this.#options, accountId, wanted, await this.#clock());
  }

  async change(key: Spender, change: CredentialChange): Promise<KeyRefusal | null> {
    return await changeKey(this.#options, key, change, await this.#clock());
  }

  async rotate(
    key: Spender,
    wanted: { readonly lastFour: string; readonly graceSeconds: number },
  ): Promise<NewKey | { readonly refusal: KeyRefusal }> {
    return await rotateKey(this.#options, key, wanted, await this.#clock());
  }

  async revoke(key: Spender, evenLast: boolean): Promise<KeyRefusal | null> {
    return await revokeKey(this.#options, key, evenLast, await this.#clock());
  }

  read(key: Spender, now: Instant): Promise<KeyStatus | null> {
    return readKey(this.#options, key, now);
  }

  list(accountId: bigint, now: Instant, page: NumberPage): ReturnType<typeof readKeys> {
    return readKeys(this.#options, accountId, now, page);
  }

  async grant(
    accountId: bigint,
    wanted: GrantWanted,
  ): Promise<{ readonly keyNumber: number } | { readonly refusal: GrantRefusal }> {
    return await createGrant(this.#options, accountId, wanted, await this.#clock());
  }

  async changeGrant(grant: Spender, change: CredentialChange): Promise<GrantRefusal | null> {
    return await changeGrant(this.#options, grant, change, await this.#clock());
  }

  async revokeGrant(grant: Spender): Promise<GrantRefusal | null> {
    return await revokeGrant(this.#options, grant, await this.#clock());
  }

  /** One grant of the account, whether or not it has ended; null when there is none with this number. */
  async readGrant({ accountId, keyNumber }: Spender, now: Instant): Promise<GrantStatus | null> {
    const { grants } = await readGrants(this.#options, accountId, now, { before: keyNumber + 1, limit: 1 });
    const [grant] = grants;
    return grant?.keyNumber === keyNumber ? grant : null;
  }

  listGrants(accountId: bigint, now: Instant, page: NumberPage): ReturnType<typeof readGrants> {
    return readGrants(this.#options, accountId, now, page);
  }

  authenticateGrant(service: ServiceIdentity, name: string): Promise<Spender | null> {
    return authenticateGrant(this.#options, service, name, this.#clock);
  }

  /** A session for the browser of `holder`, who showed `secureKey`; null for a key in its grace. */
  async openSession(holder: KeyHolder, secureKey: string): Promise<NewSession | null> {
    return await openSession(this.#options, { holder, secureKey }, await this.#clock());
  }

  async endSession(secret: string): Promise<void> {
    await endSession(this.#options, secret, await this.#clock());
  }

  services(): Promise<ReadonlyMap<number, string>> {
    return readServices(this.#options);
  }

  names(accountId: bigint, numbers: readonly number[]): Promise<CredentialNames> {
    return readCredentialNames(this.#options, accountId, numbers);
  }
}
