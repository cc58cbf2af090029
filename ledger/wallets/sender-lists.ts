/** Senders whose address does not say who paid, and senders whose payments are frozen. */
import { POOLED_SENDERS } from './pooled-senders.ts';

/** An address of a list, with whose it is. */
export interface ListedSender {
  readonly address: string;
  readonly name: string;
}

/** Why an address can neither be linked nor claim anything. */
export type SenderObstacle =
  /** Many people pay from this address, or one pays for many: whoever holds its key is not who paid. */
  | { readonly kind: 'pooled'; readonly name: string }
  /** The operator's list of those whose payments stay in suspense until a person decides. */
  | { readonly kind: 'blocked'; readonly name: string };

export class SenderLists {
  readonly #pooled: ReadonlyMap<string, string>;
  readonly #blocked: ReadonlyMap<string, string>;

  /** The senders that we know to be pooled, with what the operator adds to them and whom the operator blocks. */
  constructor(
    own: { readonly pooled?: readonly ListedSender[]; readonly blocked?: readonly ListedSender[] } = {},
  ) {
    this.#pooled = byAddress([...POOLED_SENDERS, ...(own.pooled ?? [])]);
    this.#blocked = byAddress(own.blocked ?? []);
  }

  /** @param address In any case. */
  obstacleOf(address: string): SenderObstacle | null {
    const key = address.toLowerCase();
    const blocked = this.#blocked.get(key);
    if (blocked !== undefined) return { kind: 'blocked', name: blocked };
    const pooled = this.#pooled.get(key);
    return pooled === undefined ? null : { kind: 'pooled', name: pooled };
  }
}

function byAddress(senders: readonly ListedSender[]): Map<string, string> {
  return new Map(senders.map(({ address, name }) => [address.toLowerCase(), name]));
}
