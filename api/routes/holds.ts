import type { Router } from 'express';
import {
  accountName,
  instantText,
  type Ledger,
  type Outcome,
  type OwnHold,
  type PostedEntry,
  type ServiceIdentity,
} from '../../ledger/index.ts';
import { creditsText, millionthsOf } from '../amount-text.ts';
import { captureHold, createHold, getHold, releaseHold } from '../contract/holds.ts';
import { entryId, type NamedEntry, parseEntryId } from '../entry-id.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';
import { findSpender } from '../spender.ts';
import { answeredEntry, entryJson, holdUnknown, pricingOf, usageOf } from '../spending.ts';

/** Reserving credits and settling them. What was promised to a service is its own to settle: it needs no key again. */
export function holdRoutes(ledger: Ledger, publicUrl: string): Router {
  /** The service's hold of this id. Throws a Problem for any other. */
  async function ownHold(
    { serviceId }: ServiceIdentity,
    id: string,
  ): Promise<{ readonly named: NamedEntry; readonly hold: OwnHold }> {
    const named = parseEntryId(id);
    const hold = named && (await ledger.ownHold({ ...named, serviceId }, await ledger.now()));
    if (!hold) throw holdUnknown();
    return { named, hold };
  }

  /** Throws for a hold that is closed how that was: it was open, or due, when it was looked up. */
  async function unlessClosed(outcome: Outcome, service: ServiceIdentity, id: string): Promise<Outcome> {
    if (outcome.status !== 'refused' || outcome.refusal.code !== 'hold_closed') return outcome;
    const { hold } = await ownHold(service, id);
    throw new Problem('hold_closed', `This hold is closed: it ${HAPPENED[hold.status]}.`, {
      hold_status: hold.status,
      closed_at: hold.closedAt === null ? null : instantText(hold.closedAt),
    });
  }

  return new Serving(ledger)
    .on(createHold, async ({ caller: service, body, idempotencyKey, response }) => {
      const amountMicrocredits = millionthsOf(body.amount);
      const seconds = body.expires_in_seconds;
      const outcome = await ledger.hold({
        service,
        holder: await findSpender(ledger, service, body),
        idempotencyKey,
        amountMicrocredits,
        description: body.description ?? null,
        life: seconds === undefined ? undefined : BigInt(seconds) * 1_000_000n,
      });
      const entry = answeredEntry(outcome, response, { publicUrl, amountMicrocredits, done: 'held' });
      return { ...entryJson(entry), expires_at: instantText(entry.bookedAt + lifeOf(entry)) };
    })
    .on(getHold, async ({ caller: service, params }) => {
      const { named, hold } = await ownHold(service, params.id);
      return {
        id: entryId(named),
        account: accountName(named.accountId),
        amount: creditsText(hold.amountMicrocredits),
        status: hold.status,
        captured: creditsText(hold.capturedMicrocredits),
        booked_at: instantText(hold.placedAt),
        expires_at: instantText(hold.deadline),
        closed_at: hold.closedAt === null ? null : instantText(hold.closedAt),
      };
    })
    .on(captureHold, async ({ caller: service, params, body, idempotencyKey, response }) => {
      const { named, hold } = await ownHold(service, params.id);
      const { accountId, seq: holdId } = named;
      const { keyNumber } = hold;
      const amountMicrocredits = body.amount === undefined ? null : millionthsOf(body.amount);
      const { serviceId } = service;
      const outcome =
        body.usage !== undefined
          ? await ledger.rates.capture({
              ...{ serviceId, accountId, keyNumber, idempotencyKey, holdId },
              usage: usageOf(body.usage),
            })
          : await ledger.capture({
              ...{ service, idempotencyKey, holdId },
              holder: { accountId, keyNumber },
              amountMicrocredits: amountMicrocredits ?? 0n,
              model: body.model,
            });
      const entry = answeredEntry(await unlessClosed(outcome, service, params.id), response, {
        publicUrl,
        amountMicrocredits,
        done: 'captured',
      });
      const pricing = body.usage === undefined ? { model: body.model } : pricingOf(entry);
      return { ...entryJson(entry), hold: entryId(named), ...pricing };
    })
    .on(releaseHold, async ({ caller: service, params, idempotencyKey, response }) => {
      const { named, hold } = await ownHold(service, params.id);
      const { accountId, seq: holdId } = named;
      const { keyNumber } = hold;
      const outcome = await ledger.release({
        ...{ service, idempotencyKey, holdId },
        holder: { accountId, keyNumber },
      });
      const entry = answeredEntry(await unlessClosed(outcome, service, params.id), response, {
        publicUrl,
        amountMicrocredits: null,
        done: 'released',
      });
      return { ...entryJson(entry), hold: entryId(named) };
    })
    .refuseOtherMethods();
}

/** As it was sealed: what is allowed may have changed since. */
function lifeOf({ details }: PostedEntry): bigint {
  const { life_seconds } = JSON.parse(details ?? '{}') as { life_seconds: string };
  return BigInt(life_seconds) * 1_000_000n;
}

const HAPPENED: Record<OwnHold['status'], string> = {
  open: 'was being settled just now',
  captured: 'was captured',
  released: 'was released',
  expired: 'ended at its deadline',
};
