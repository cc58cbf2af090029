import type { Router } from 'express';
import {
  type CredentialNames,
  instantText,
  type Ledger,
  type LotMovement,
  type LotWithSource,
  type MovementCursor,
  parseInstant,
  type StatementLine,
  USAGE_SPAN_MAX,
} from '../../ledger/index.ts';
import { creditsText, decimalText, usdText } from '../amount-text.ts';
import { getLot, getUsage, listLots, listTransactions } from '../contract/account-history.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

const DAY = 86_400_000_000n;
/** Chainlink's dollar feeds have so many decimals. */
const FEED_DECIMALS = 8;

/** What became of an account's credits, for whoever manages it. */
export function accountHistoryRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(listLots, async ({ caller: { accountId }, query: { limit, before } }) => {
      const page = { limit, before: before === undefined ? undefined : BigInt(before) };
      const { lots, next } = await ledger.lots(accountId, await ledger.now(), page);
      return { lots: lots.map(lotJson), next: next === null ? null : String(next) };
    })
    .on(getLot, async ({ caller: { accountId }, params, query: { limit, after } }) => {
      const lotId = BigInt(params.id);
      const lot = await ledger.lot(accountId, lotId, await ledger.now());
      if (!lot)
        throw new Problem('not_found', 'The account has no lot with this number: GET /v1/lots lists them.');
      const page = { limit, after: after === undefined ? undefined : cursorOf(after) };
      const { movements, next } = await ledger.lotMovements(accountId, lotId, page);
      return {
        lot: lotJson(lot),
        movements: movements.map(movementJson),
        next: next === null ? null : `${next.seq}-${next.line}`,
      };
    })
    .on(listTransactions, async ({ caller: { accountId }, query: { limit, before } }) => {
      const page = { limit, before: before === undefined ? undefined : BigInt(before) };
      const { lines, next } = await ledger.statement(accountId, await ledger.now(), page);
      const names = await ledger.keys.names(
        accountId,
        lines.flatMap(({ keyNumber }) => keyNumber ?? []),
      );
      const services = await ledger.keys.services();
      return {
        transactions: lines.map(line => transactionJson(line, names, services)),
        next: next === null ? null : String(next),
      };
    })
    .on(getUsage, async ({ caller: { accountId }, query }) => {
      const to = query.to === undefined ? await ledger.now() : parseInstant(query.to);
      const from = query.from === undefined ? to - 30n * DAY : parseInstant(query.from);
      if (from >= to) throw new Problem('invalid_field', '"from" must be before "to".', { field: 'from' });
      if (to - from > USAGE_SPAN_MAX)
        throw new Problem('invalid_field', '"from" must be at most 92 days before "to".', { field: 'from' });
      const groupBy = query.group_by;
      const usage = await ledger.usage(accountId, { from, to, groupBy });
      const numbers =
        groupBy === 'key' ? usage.flatMap(({ group }) => (group === null ? [] : Number(group))) : [];
      const names = await ledger.keys.names(accountId, numbers);
      return {
        from: instantText(from),
        to: instantText(to),
        group_by: groupBy,
        usage: usage.map(({ group, amountMicrocredits, count }) => ({
          group: groupBy === 'day' && group !== null ? instantText(BigInt(group)).slice(0, 10) : group,
          label: groupBy === 'key' ? (names.get(Number(group))?.label ?? null) : null,
          credits: creditsText(amountMicrocredits),
          count,
        })),
      };
    })
    .refuseOtherMethods();
}

/** As the contract has it: digits on both sides. */
function cursorOf(after: string): MovementCursor {
  const [seq = '0', line = '0'] = after.split('-');
  return { seq: BigInt(seq), line: Number(line) };
}

function lotJson(lot: LotWithSource) {
  const { source } = lot;
  const [rail, , transaction = null] = source.receiptId?.split(':') ?? [];
  return {
    id: lot.id.toString(),
    face: creditsText(lot.faceMicrocredits),
    remaining: creditsText(lot.availableMicrocredits),
    held: creditsText(lot.heldMicrocredits),
    unreleased: creditsText(lot.unreleasedMicrocredits),
    policy: lot.policy,
    added_at: instantText(lot.addedAt),
    expires_at: instantText(lot.expiresAt),
    live: lot.isLive,
    renewals_left: lot.renewalsLeft,
    paid_usd: usdText(lot.paidMicrousd),
    price:
      source.priceAnswer === null
        ? null
        : {
            eth_usd: decimalText(source.priceAnswer, FEED_DECIMALS),
            round_id: source.priceRoundId?.toString() ?? null,
          },
    source: {
      kind: source.kind,
      order: source.orderId,
      receipt: source.receiptId,
      transaction: rail === 'eth' ? transaction : null,
      stripe_receipt_url: source.stripeReceiptUrl,
    },
  };
}

function movementJson(movement: LotMovement) {
  const { from, amount } = movement;
  return {
    transaction: movement.seq.toString(),
    kind: movement.kind,
    booked_at: instantText(movement.bookedAt),
    from,
    to: movement.to,
    // Microcredits and micro-dollars.
    amount: decimalText(amount, 6),
    remaining: creditsText(movement.availableAfterMicrocredits),
    held: creditsText(movement.heldAfterMicrocredits),
    unreleased: creditsText(movement.unreleasedAfterMicrocredits),
  };
}

function transactionJson(line: StatementLine, names: CredentialNames, services: ReadonlyMap<number, string>) {
  const { model, description } = toldIn(line.details);
  return {
    id: line.seq.toString(),
    kind: line.kind,
    booked_at: instantText(line.bookedAt),
    effective_at: instantText(line.effectiveAt),
    amount: creditsText(line.amountMicrocredits),
    available: creditsText(line.availableAfterMicrocredits),
    held: creditsText(line.heldAfterMicrocredits),
    debt: creditsText(line.debtAfterMicrocredits),
    // 0 is this system itself.
    service: services.get(line.serviceId ?? 0) ?? null,
    key: spentByJson(line, names),
    model,
    description,
  };
}

/** The key or grant that authorised an entry; null where none did. */
export function spentByJson({ keyNumber }: Pick<StatementLine, 'keyNumber'>, names: CredentialNames) {
  const name = keyNumber === null ? undefined : names.get(keyNumber);
  return keyNumber !== null && name ? { number: keyNumber, ...name } : null;
}

/** What the service told with it: details are JSON objects of ours, in which these are texts where they are there. */
function toldIn(details: string | null): { model: string | null; description: string | null } {
  const told = details === null ? {} : (JSON.parse(details) as { model?: unknown; description?: unknown });
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return { model: text(told.model), description: text(told.description) };
}
