import { Router } from 'express';
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
  challengeRequest,
  signedClaimRequest,
  signedLinkRequest,
  signedRecoveryRequest,
  walletAddress,
} from '../contract.ts';
import { Problem } from '../problem.ts';
import { onlyMethods, readBearer, readBody } from '../request.ts';
import { walletProblem } from '../wallet-problem.ts';

/** What the credential is where an order is named, and where none is. */
const HOLDER = 'your Secure Key, or the secret of the order that is named';
const MANAGER = 'your Secure Key';

/**
 * Wallets: linked to an account by a signature, claiming what they have paid, and getting an account back. A signature
 * counts only with the credential that its challenge was asked for with.
 */
export function walletRoutes(ledger: Ledger, publicUrl: string): Router {
  const router = Router();
  const url = new URL(publicUrl);
  const site: Site = { domain: url.host, uri: url.origin };

  // Holders of an account's key, or of the secret of an order; anybody for a recovery. Nothing is stored of it.
  router
    .route('/challenges')
    .post(async (request, response) => {
      const body = readBody(challengeRequest, request);
      const { address } = body;
      const credential = (): AccountCredential =>
        credentialOf(readBearer(request, HOLDER), 'order' in body ? body.order : undefined);
      const asked = (): ChallengeRequest => {
        switch (body.action) {
          case 'recover':
            return { site, address, action: 'recover', accountId: accountOf(body.account) };
          case 'claim':
            return {
              ...{ site, address, action: 'claim', credential: credential() },
              transactionHash: body.transaction,
            };
          default:
            return { site, address, action: body.action, credential: credential() };
        }
      };
      const given = await ledger.walletChallenge(asked());
      if ('refusal' in given) throw walletProblem(given.refusal);
      response.status(201).json({
        message: given.message,
        expires_at: instantText(given.expiresAt),
        ...(given.session === null ? {} : { session: given.session }),
      });
    })
    .all(onlyMethods('POST'));

  router
    .route('/')
    // Holders of a Secure Key that manages the account: services, which are shown keys, need not know its wallets.
    .get(async (request, response) => {
      const holder = await ledger.authenticateKey(readBearer(request, MANAGER));
      if (!holder) throw walletProblem({ code: 'credential_invalid' });
      if (holder.scope !== 'manage') throw walletProblem({ code: 'spends_only' });
      const { wallets, recoveries } = await ledger.accountWallets(holder.accountId, await ledger.now());
      response.json({
        account: accountName(holder.accountId),
        wallets: wallets.map(walletJson),
        recoveries: recoveries.map(({ address, at }) => ({
          address: getAddress(address),
          at: instantText(at),
        })),
      });
    })
    // Holders of a key that manages the account, or of the unclaimed secret of its order; signed by the wallet.
    .post(async (request, response) => {
      const { address, order, ...signed } = readBody(signedLinkRequest, request);
      const credential = credentialOf(readBearer(request, HOLDER), order);
      const linked = await ledger.linkWallet({ site, address, credential, signed });
      if ('refusal' in linked) throw walletProblem(linked.refusal);
      response.status(201).json(linkJson(address, linked));
    })
    .all(onlyMethods('GET', 'POST'));

  // As for linking; signed by the wallet, so that nothing is left of what it could do.
  router
    .route('/unlinkings')
    .post(async (request, response) => {
      const { address, order, ...signed } = readBody(signedLinkRequest, request);
      const credential = credentialOf(readBearer(request, HOLDER), order);
      const unlinked = await ledger.withdrawWallet({ site, address, credential, signed });
      if ('refusal' in unlinked) throw walletProblem(unlinked.refusal);
      response.status(201).json({
        address: getAddress(address),
        account: accountName(unlinked.accountId),
        recovers_until: null,
      });
    })
    .all(onlyMethods('POST'));

  // The sender of the payments, who says by a key or an order's secret where they go.
  router
    .route('/claims')
    .post(async (request, response) => {
      const { address, transaction, order, ...signed } = readBody(signedClaimRequest, request);
      const credential = credentialOf(readBearer(request, HOLDER), order);
      const wanted = { site, address, transactionHash: transaction, credential, signed };
      const claimed = await ledger.claimPayments(wanted);
      if ('refusal' in claimed) throw walletProblem(claimed.refusal);
      response.status(201).json({
        account: accountName(claimed.accountId),
        order: claimed.orderId,
        payments: claimed.payments.map(({ receiptId, amountMicrousd }) => ({
          receipt: receiptId,
          amount_usd: amountMicrousd === null ? null : usdText(amountMicrousd),
          credits: amountMicrousd === null ? null : creditsText(microcreditsOf(amountMicrousd)),
        })),
      });
    })
    .all(onlyMethods('POST'));

  // Whoever asked for the challenge and has the wallet's signature.
  router
    .route('/recoveries')
    .post(async (request, response) => {
      const { address, account, ...signed } = readBody(signedRecoveryRequest, request);
      const session = readBearer(request, 'the session that came with the challenge');
      const accountId = accountOf(account);
      const recovered = await ledger.recoverAccount({ site, address, accountId, session, signed });
      if ('refusal' in recovered) throw walletProblem(recovered.refusal);
      response.status(201).json({
        account: accountName(recovered.accountId),
        secure_key: recovered.secureKey,
        revoked_wallets: recovered.revokedWallets.map(wallet => getAddress(wallet)),
      });
    })
    .all(onlyMethods('POST'));

  // Holders of a key that manages the account.
  router
    .route('/:address')
    .delete(async (request, response) => {
      const secret = readBearer(request, MANAGER);
      const parsed = walletAddress.safeParse(request.params.address);
      if (!parsed.success) throw new Problem('not_found', 'The path must end with the address of a wallet.');
      const address = parsed.data;
      const unlinked = await ledger.unlinkWallet({ secret, orderId: null }, address);
      if ('refusal' in unlinked) throw walletProblem(unlinked.refusal);
      const { recoversUntil } = unlinked;
      response.json({
        address: getAddress(address),
        recovers_until: recoversUntil === null ? null : instantText(recoversUntil),
      });
    })
    .all(onlyMethods('DELETE'));

  return router;
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
