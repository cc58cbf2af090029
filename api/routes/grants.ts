import type { Router } from 'express';
import {
  type GrantRefusal,
  type GrantStatus,
  grantName,
  instantText,
  type Ledger,
  parseGrantName,
  parseInstant,
  type Spender,
} from '../../ledger/index.ts';
import { changeGrant, createGrant, listGrants, listServices, revokeGrant } from '../contract/grants.ts';
import { changeOf, limitJson, limitTerms } from '../limit-json.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

/** What customers let services spend without a key. */
export function grantRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(listServices, async () => {
      const names = [...(await ledger.keys.services()).values()];
      return { services: names.map(name => ({ name })) };
    })
    .on(listGrants, async ({ caller: { accountId }, query }) => {
      const { grants, next } = await ledger.keys.listGrants(accountId, await ledger.now(), query);
      return { grants: grants.map(grantJson), next: next === null ? null : String(next) };
    })
    .on(createGrant, async ({ caller: { accountId }, body }) => {
      const expiresAt = body.expires_at === undefined ? null : parseInstant(body.expires_at);
      if (expiresAt !== null && expiresAt <= (await ledger.now()))
        throw new Problem('invalid_field', '"expires_at" must be later than now.', { field: 'expires_at' });
      const made = await ledger.keys.grant(accountId, {
        service: body.service,
        label: body.label ?? null,
        limit: body.limit ? limitTerms(body.limit) : null,
        expiresAt,
      });
      if ('refusal' in made) throw grantProblem(made.refusal);
      return grantJson(await found({ accountId, keyNumber: made.keyNumber }));
    })
    .on(changeGrant, async ({ caller: { accountId }, params, body }) => {
      const grant = ofAccount(accountId, params.id);
      const refusal = await ledger.keys.changeGrant(grant, changeOf(body));
      if (refusal) throw grantProblem(refusal);
      return grantJson(await found(grant));
    })
    .on(revokeGrant, async ({ caller: { accountId }, params }) => {
      const refusal = await ledger.keys.revokeGrant(ofAccount(accountId, params.id));
      if (refusal) throw grantProblem(refusal);
    })
    .refuseOtherMethods();

  async function found(grant: Spender): Promise<GrantStatus> {
    const status = await ledger.keys.readGrant(grant, await ledger.now());
    if (!status) throw new Error('a grant that was just made or changed is not there');
    return status;
  }
}

/** Another account's grant is as unknown as none. */
function ofAccount(accountId: bigint, id: string): Spender {
  const grant = parseGrantName(id);
  if (grant?.accountId !== accountId) throw grantProblem({ code: 'grant_unknown' });
  return grant;
}

function grantJson(grant: GrantStatus) {
  return {
    id: grantName(grant),
    number: grant.keyNumber,
    service: grant.service,
    label: grant.label,
    limit: limitJson(grant.limit),
    created_at: instantText(grant.createdAt),
    expires_at: grant.expiresAt === null ? null : instantText(grant.expiresAt),
    revoked_at: grant.revokedAt === null ? null : instantText(grant.revokedAt),
  };
}

function grantProblem(refusal: GrantRefusal): Problem {
  switch (refusal.code) {
    case 'grant_unknown':
      return new Problem(
        'not_found',
        'The account has no such grant, or it is revoked: GET /v1/grants lists them.',
      );
    case 'service_unknown':
      return new Problem('service_unknown', 'There is no such service: GET /v1/services lists them.', {
        field: 'service',
      });
    case 'keys_full':
      return new Problem(
        'keys_full',
        `The account has ${refusal.limit} keys and grants, as many as it may: revoke one that is not used.`,
        { limit: refusal.limit },
      );
  }
}
