/** What is said to whoever looks for a payment: where it stands, and what to do. */
import { SUSPENSE_REASONS, type SuspenseReason, type TransactionStanding } from '../ledger/index.ts';

interface Words {
  readonly detail: string;
  readonly advice: string;
}

const OPERATOR = 'contact the operator with this hash';

const WORDS: { readonly [Standing in Exclude<TransactionStanding['standing'], 'in_suspense'>]: Words } = {
  unknown: {
    detail: 'The network knows no such transaction.',
    advice:
      'Check the hash in your wallet, copied whole. Look at the network there: it must be Base, and a payment on another network is not here. If you have just sent it, wait a minute and ask again: until then your wallet may not have passed it on, or may have dropped it.',
  },
  seen: {
    detail: 'It is on its way and in no block yet.',
    advice:
      'Wait: on Base that takes seconds. If it stays so for minutes, your wallet’s fee may be too low: speed it up there.',
  },
  failed: {
    detail: 'It is in a block, but it failed there: nothing was paid, only the network’s fee.',
    advice: 'Look in your wallet for why, then send the payment again while your quote lasts.',
  },
  unread: {
    detail: 'It is in a block that has not been looked through here yet.',
    advice: `Wait a moment and ask again. If it stays so for ten minutes, ${OPERATOR}.`,
  },
  elsewhere: {
    detail: 'It is known, but brings no ETH to the payment address.',
    advice:
      'Compare the address in your wallet with the payment address. What went to another address can only come back from there; tokens such as USDC or WETH are no ETH and are not credited.',
  },
  confirmed: {
    detail: 'It is in a block, and its credits are on the way.',
    advice: `Wait: this takes seconds. If it stays so for ten minutes, ${OPERATOR}.`,
  },
  price_pending: {
    detail: 'It has arrived and waits for a valid price of ETH.',
    advice:
      'There is nothing to do: it is credited at the first valid price, usually within minutes. Do not pay again.',
  },
  credited: {
    detail: 'It is credited.',
    advice:
      'The credits are in the account that it was for: go on with the order where you made it, or look at /account with your Secure Key.',
  },
  reorged: {
    detail: 'It was in a block that the network has replaced, and is in none now.',
    advice:
      'Usually it is in another block within minutes and is credited then. If your wallet says that it was dropped, send it again.',
  },
  worth_nothing: {
    detail: 'It has arrived, but is worth less than a millionth of a dollar: there is nothing to credit.',
    advice: 'Pay the amount that your order names.',
  },
};

const CLAIM = `Claim it with your key and wallet (POST /v1/wallets/claims: the wallet that paid signs), or ${OPERATOR}.`;

/** The reasons that anybody can see in the transaction itself. Others would tell of orders, accounts and the operator's lists. */
const PUBLIC_REASONS = ['no_match', 'not_a_payment', 'reference_unknown'] as const satisfies SuspenseReason[];
/** Why a payment is in suspense, as anybody may know. */
export type PublicReason = (typeof PUBLIC_REASONS)[number] | 'kept_back';

export function publicReason(reason: SuspenseReason | null): PublicReason | null {
  if (reason === null) return null;
  return PUBLIC_REASONS.find(known => known === reason) ?? 'kept_back';
}

/** For a transaction of that standing. */
export function paymentWords({ standing, reason }: Pick<TransactionStanding, 'standing' | 'reason'>): Words {
  if (standing !== 'in_suspense') return WORDS[standing];
  const known = publicReason(reason);
  const why = known === null || known === 'kept_back' ? [] : [SUSPENSE_REASONS[known]];
  return {
    detail: ['It has arrived and is in suspense, credited to nobody yet.', ...why].join(' '),
    advice: known === 'not_a_payment' ? `Nobody can prove to have sent it: ${OPERATOR}.` : CLAIM,
  };
}
