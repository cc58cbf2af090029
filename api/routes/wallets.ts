import type { Router } from 'express';
import { getAddress } from 'viem';
import {
  type AccountCredential,
  type AccountWallet,
  accountName,
  type ChallengeRequest,
  instantText,
  type Ledger,
  microcreditsOf,
  parseAccountName,
  type Site,
  type WalletLink,
} from '../../ledger/index.ts';
import { creditsText, usdText } from '../amount-text.ts';
import {
  claimPayments,
  createChallenge,
  linkWallet,
  listWallets,
  recoverAccount,
  unlinkWallet,
  withdrawWallet,
} from '../contract/wallets.ts';
import { readBearer } from '../request.ts';
import { Serving } from '../serve.ts';
import { walletProblem } from '../wallet-problem.ts';

/**
 * Wallets: linked to an account by a signature, claiming what they have paid, and getting an account back. A signature
 * counts only with the credential that its challenge was asked for with.
 */
export function walletRoutes(ledger: Ledger, publicUrl: string): Router {
  const url = new URL(publicUrl);
  const site: Site = { domain: url.host, uri: url.origin };

  return (
    new Serving(ledger)
      // Nothing is stored of it.
      .on(createChallenge, async ({ caller: bearer, body }) => {
        const { address } = body;
        const asked = (): ChallengeRequest => {
          if (body.action === 'recover')
            return { site, address, action: 'recover', accountId: accountOf(body.account) };
          const credential = credentialOf(bearer(), body.order);
          return body.action === 'claim'
            ? { site, address, action: 'claim', credential, transactionHash: body.transaction }
            : { site, address, action: body.action, credential };
        };
        const given = await ledger.walletChallenge(asked());
        if ('refusal' in given) throw walletProblem(given.refusal);
        return {
          message: given.message,
          expires_at: instantText(given.expiresAt),
          ...(given.session === null ? {} : { session: given.session }),
        };
      })
      .on(listWallets, async ({ caller: { accountId } }) => {
        const { wallets, recoveries } = await ledger.accountWallets(accountId, await ledger.now());
        return {
          account: accountName(accountId),
          wallets: wallets.map(walletJson),
          recoveries: recoveries.map(({ address, at }) => ({
            address: getAddress(address),
            at: instantText(at),
          })),
        };
      })
      .on(linkWallet, async ({ caller: bearer, body: { address, order, ...signed } }) => {
        const credential = credentialOf(bearer, order);
        const linked = await ledger.linkWallet({ site, address, credential, signed });
        if ('refusal' in linked) throw walletProblem(linked.refusal);
        return linkJson(address, linked);
      })
      .on(withdrawWallet, async ({ caller: bearer, body: { address, order, ...signed } }) => {
        const credential = credentialOf(bearer, order);
        const unlinked = await ledger.withdrawWallet({ site, address, credential, signed });
        if ('refusal' in unlinked) throw walletProblem(unlinked.refusal);
        return {
          address: getAddress(address),
          account: accountName(unlinked.accountId),
          recovers_until: null,
        };
      })
      .on(claimPayments, async ({ caller: bearer, body: { address, transaction, order, ...signed } }) => {
        const credential = credentialOf(bearer, order);
        const wanted = { site, address, transactionHash: transaction, credential, signed };
        const claimed = await ledger.claimPayments(wanted);
        if ('refusal' in claimed) throw walletProblem(claimed.refusal);
        return {
          account: accountName(claimed.accountId),
          order: claimed.orderId,
          payments: claimed.payments.map(({ receiptId, amountMicrousd }) => ({
            receipt: receiptId,
            amount_usd: amountMicrousd === null ? null : usdText(amountMicrousd),
            credits: amountMicrousd === null ? null : creditsText(microcreditsOf(amountMicrousd)),
          })),
        };
      })
      // Whoever asked for the challenge and has the wallet's signature.
      .on(recoverAccount, async ({ caller: session, body: { address, account, ...signed } }) => {
        const accountId = accountOf(account);
        const wanted = { site, address, accountId, session, signed };
        const recovered = await ledger.recoverAccount(wanted);
        if ('refusal' in recovered) throw walletProblem(recovered.refusal);
        return {
          account: accountName(recovered.accountId),
          secure_key: recovered.secureKey,
          revoked_wallets: recovered.revokedWallets.map(wallet => getAddress(wallet)),
        };
      })
      .on(unlinkWallet, async ({ request, params: { address } }) => {
        // Judged once more in the transaction that unlinks.
        const secret = readBearer(request, 'your Secure Key');
        const unlinked = await ledger.unlinkWallet({ secret, orderId: null }, address);
        if ('refusal' in unlinked) throw walletProblem(unlinked.refusal);
        const { recoversUntil } = unlinked;
        return {
          address: getAddress(address),
          recovers_until: recoversUntil === null ? null : instantText(recoversUntil),
        };
      })
      .refuseOtherMethods()
  );
}

function credentialOf(secret: string, order: string | undefined): AccountCredential {
  return { secret, orderId: order ?? null };
}

function accountOf(name: string | undefined): bigint | null {
  return name === undefined ? null : parseAccountName(name);
}

function linkJson(address: string, { accountId, linkedAt, recoversFrom }: WalletLink) {
  return {
    address: getAddress(address),
    account: accountName(accountId),
    linked_at: instantText(linkedAt),
    recovers_from: instantText(recoversFrom),
  };
}

function walletJson({ address, linkedSince, recoversFrom, recoversUntil }: AccountWallet) {
  return {
    address: getAddress(address),
    linked_at: linkedSince === null ? null : instantText(linkedSince),
    recovers_from: instantText(recoversFrom),
    recovers_until: recoversUntil === null ? null : instantText(recoversUntil),
  };
}
