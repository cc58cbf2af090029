/** Why nothing came of what was asked for a wallet, as the API says it. */
import {
  accountName,
  type ChallengeRefusal,
  type ClaimRefusal,
  instantText,
  type LinkRefusal,
  type RecoveryRefusal,
  type SenderObstacle,
  type UnlinkRefusal,
} from '../ledger/index.ts';
import { Problem } from './problem.ts';

type Refusal = ChallengeRefusal | LinkRefusal | UnlinkRefusal | ClaimRefusal | RecoveryRefusal;
type Code = Refusal['code'];
type Of<Wanted extends Code> = Extract<Refusal, { code: Wanted }>;

export function walletProblem(refusal: Refusal): Problem {
  // The table has an entry for each code, which the type cannot say of the one at hand.
  const problemOf = PROBLEMS[refusal.code] as (refusal: Refusal) => Problem;
  return problemOf(refusal);
}

const CHAIN_AWAY = 'The chain cannot be asked just now; nothing was decided. Send the same again shortly.';

const PROBLEMS: { readonly [Wanted in Code]: (refusal: Of<Wanted>) => Problem } = {
  credential_invalid: () =>
    new Problem(
      'credential_invalid',
      'This credential is not valid: send a Secure Key, or the secret of the order that is named in "order".',
    ),
  spends_only: () =>
    new Problem('scope_insufficient', 'This Secure Key may only spend: use one that manages the account.'),
  order_claimed: () =>
    new Problem(
      'order_claimed',
      "The key of this order's account has been issued: use the Secure Key instead of the order's secret.",
    ),
  sender_listed: ({ obstacle }) => senderProblem(obstacle),
  challenge_different: ({ part }) =>
    new Problem(
      'challenge_invalid',
      `"message" is not the one that was given out: its ${part} differs. Ask for a challenge and sign exactly that.`,
      { field: 'message', part },
    ),
  challenge_foreign: () =>
    new Problem(
      'challenge_invalid',
      '"message" was not given out for this wallet, purpose and credential: ask for a challenge with this one.',
      { field: 'message' },
    ),
  challenge_expired: ({ expiredAt }) =>
    new Problem(
      'challenge_expired',
      'Too much time has passed since this challenge was given out: ask for a new one.',
      { expired_at: instantText(expiredAt) },
    ),
  challenge_used: () =>
    new Problem('challenge_used', 'This signature has been used: ask for a new challenge.'),
  signature: ({ verdict }) => signatureProblem(verdict),
  links_too_many: () =>
    new Problem('wallet_links_full', 'This account, or this wallet, has ten links: end one of them first.'),
  wallet_not_linked: () =>
    new Problem('wallet_not_linked', 'There is no link between this wallet and such an account.'),
  account_ambiguous: ({ accountIds }) =>
    new Problem(
      'account_ambiguous',
      'This wallet is linked to several accounts: ask for a challenge with one of them in "account".',
      { accounts: accountIds.map(accountName) },
    ),
  recovery_too_early: ({ accountId, from }) =>
    new Problem(
      'recovery_too_early',
      'A wallet can recover an account once it has been linked to it for 72 hours: try again then.',
      { account: accountName(accountId), possible_at: instantText(from) },
    ),
  payment_unknown: () =>
    new Problem(
      'not_found',
      'No payment of this wallet in this transaction is known: check both, and try again when it is in a block.',
    ),
  payment_not_safe: ({ blockNumber, safeBlockNumber }) =>
    new Problem(
      'payment_not_safe',
      'The chain could still take this payment back: send the same again in some minutes.',
      { block: blockNumber.toString(), safe_block: safeBlockNumber.toString() },
    ),
  chain_unavailable: () => new Problem('temporarily_unavailable', CHAIN_AWAY),
  payments_too_many: () =>
    new Problem(
      'payment_unclaimable',
      'There are more payments in this transaction than can be claimed at once: ask the operator.',
    ),
  payment_refused: ({ refusal }) => paymentProblem(refusal),
};

function senderProblem(obstacle: SenderObstacle): Problem {
  return obstacle.kind === 'pooled'
    ? new Problem(
        'sender_pooled',
        `This address is ${obstacle.name}, which pays for many people: ask the operator about a payment from it.`,
        { field: 'address' },
      )
    : new Problem('sender_blocked', 'Nothing can be done with this address here: ask the operator.');
}

function signatureProblem(verdict: Of<'signature'>['verdict']): Problem {
  switch (verdict) {
    case 'invalid':
      return new Problem(
        'signature_invalid',
        '"signature" is not of this wallet and this message: sign it again.',
        {
          field: 'signature',
        },
      );
    case 'predelegated':
      return new Problem(
        'signature_invalid',
        '"signature" brings a delegation along (ERC-8010): delegate on the chain first, then sign again.',
        { field: 'signature' },
      );
    case 'not_deployed':
      return new Problem(
        'wallet_not_deployed',
        'There is no contract at this address yet that could confirm the signature. Deploy the wallet, by sending ' +
          'anything from it, then send the same again.',
      );
    case 'unavailable':
      return new Problem('temporarily_unavailable', CHAIN_AWAY);
    case 'busy':
      return new Problem('overloaded', 'Too many signatures are being checked: try again.');
  }
}

function paymentProblem(refusal: Of<'payment_refused'>['refusal']): Problem {
  switch (refusal.code) {
    case 'receipt_assigned':
      return new Problem(
        'payment_assigned',
        'This payment has been credited, to this account or to another.',
      );
    case 'receipt_absent':
    case 'receipt_moved':
      return new Problem('temporarily_unavailable', CHAIN_AWAY);
    case 'sender_listed':
      return senderProblem(refusal.obstacle);
    case 'worth_nothing':
      return new Problem('payment_unclaimable', 'This payment is worth less than a millionth of a dollar.');
    default:
      // A claim gives no reason, and its receipt and its account are known.
      throw new Error(`a claim was refused as ${refusal.code}`);
  }
}
