import type { Router } from 'express';
import { accountName, instantText, type KeyHolder, type Ledger, SESSION_LIFE } from '../../ledger/index.ts';
import { CALLERS } from '../contract/route.ts';
import { createSession, deleteSession, getSession } from '../contract/sessions.ts';
import { Problem } from '../problem.ts';
import { readBearer } from '../request.ts';
import { Serving } from '../serve.ts';
import { sessionCookieOf } from '../session-cookie.ts';

/** Who is signed in in a browser. */
export function sessionRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(createSession, async ({ caller: holder, request, response }) => {
      const cookie = sessionCookieOf(request);
      const opened = await ledger.keys.openSession(holder, readBearer(request, CALLERS.key));
      if (opened === null)
        throw new Problem(
          'scope_insufficient',
          'This Secure Key was rotated and only spends until its grace ends: sign in with the one in its place.',
        );
      const before = cookie.secretIn(request);
      if (before !== null) await ledger.keys.endSession(before);
      cookie.set(response, opened.secret, Number(SESSION_LIFE / 1000n));
      return await sessionJson({ ...holder, ...opened });
    })
    .on(getSession, async ({ caller: holder }) => ({
      session: holder === null ? null : await sessionJson(holder),
    }))
    .on(deleteSession, async ({ request, response }) => {
      const cookie = sessionCookieOf(request);
      await ledger.keys.endSession(cookie.secretIn(request) ?? '');
      cookie.clear(response);
    })
    .refuseOtherMethods();

  async function sessionJson(holder: KeyHolder & { readonly createdAt: bigint; readonly expiresAt: bigint }) {
    const key = await ledger.keys.read(holder, holder.createdAt);
    return {
      account: accountName(holder.accountId),
      number: holder.keyNumber,
      label: key?.label ?? null,
      last_four: holder.lastFour,
      scope: holder.scope,
      created_at: instantText(holder.createdAt),
      expires_at: instantText(holder.expiresAt),
      mode: ledger.installation.mode,
    };
  }
}
