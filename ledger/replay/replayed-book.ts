/**
 * A customer's book that is made again, command by command, by the same core that made it the first time. Nothing is
 * taken from what was posted: what time made due, what each lot gave and what is left follow by themselves.
 */
import { adjustmentPayload } from '../core/adjustment.ts';
import { advance } from '../core/advance.ts';
import { type Book, EMPTY_BOOK, type Step } from '../core/book.ts';
import { type Command, decide } from '../core/commands.ts';
import type { Hold, Take } from '../core/hold.ts';
import type { Instant } from '../core/instant.ts';
import type { Entry } from '../core/journal.ts';
import { compareBurnOrder, type Lot, type RenewalPolicy } from '../core/lot.ts';
import type { Spend } from '../core/reversal.ts';
import { commandIdentity, OWN_SERVICE_ID } from '../posting/identity.ts';
import type { CustomerConsequence } from './consequences.ts';
import type { RecordedCommand } from './recorded-command.ts';

/** Why a recorded command cannot have been carried out as it is recorded. */
export class ReplayRefusal extends Error {
  override readonly name = 'ReplayRefusal';
}

export interface FaceChange {
  readonly lotId: bigint;
  readonly seq: bigint;
  readonly faceMicrocredits: bigint;
}

export interface ReversedPart {
  readonly spendId: bigint;
  readonly seq: bigint;
  readonly amountMicrocredits: bigint;
}

/** How many holds there may have been at once was another's decision. */
const ANY_NUMBER = { ofAccount: Number.MAX_SAFE_INTEGER, ofService: Number.MAX_SAFE_INTEGER };

export class ReplayedBook {
  #book: Book = EMPTY_BOOK;
  /** By number; those that are closed are not loaded for a command either, unless it names them. */
  readonly #closedLots = new Map<bigint, Lot>();
  readonly #purchases = new Map<string, bigint>();
  readonly #spends = new Map<bigint, Spend>();
  readonly #faces: FaceChange[] = [];
  readonly #reversals: ReversedPart[] = [];
  #closedHolds: Hold[] = [];

  /** The book as it stands, with its open lots and holds. */
  get book(): Book {
    return this.#book;
  }

  /** Every lot there ever was. */
  get lots(): readonly Lot[] {
    return [...this.#book.lots, ...this.#closedLots.values()];
  }

  /** The holds that were closed since this was asked last. */
  takeClosedHolds(): readonly Hold[] {
    const closed = this.#closedHolds;
    this.#closedHolds = [];
    return closed;
  }

  get faces(): readonly FaceChange[] {
    return this.#faces;
  }

  get reversals(): readonly ReversedPart[] {
    return this.#reversals;
  }

  /** Everything that time makes due through `instant`. */
  advance(instant: Instant): readonly Entry[] {
    return this.#take(advance(this.#book, instant));
  }

  /**
   * Carries out `recorded`, behind what time makes due before it. Of payments `consequence` is what the facts say.
   * Throws ReplayRefusal, and changes nothing, when it cannot have been carried out.
   */
  carryOut(recorded: RecordedCommand, consequence: CustomerConsequence | null): readonly Entry[] {
    const { decidedAt } = recorded;
    if (decidedAt < this.#book.bookedAt)
      throw new ReplayRefusal('it is booked before the entry that precedes it');
    const command = this.#commandOf(recorded, consequence);
    const named = 'lotId' in command ? this.#closedLotsOf(command.lotId) : [];
    const book =
      named.length === 0
        ? this.#book
        : { ...this.#book, lots: [...this.#book.lots, ...named].sort(compareBurnOrder) };
    const step = this.#decide(book, command, decidedAt);
    for (const { id } of named) this.#closedLots.delete(id);
    this.#note(recorded, command, step, book);
    return this.#take(step, book);
  }

  #decide(book: Book, command: Command, instant: Instant): Step {
    let decision: ReturnType<typeof decide>;
    try {
      decision = decide(book, command, instant);
    } catch (error) {
      // An invariant that no command can break: the record asks for something that never was.
      throw new ReplayRefusal(error instanceof Error ? error.message : String(error));
    }
    if (!decision.accepted) throw new ReplayRefusal(`it is refused: ${decision.refusal.code}`);
    return decision.step;
  }

  #commandOf(recorded: RecordedCommand, consequence: CustomerConsequence | null): Command {
    const { kind, identity, amountMicrocredits, details, decidedAt } = recorded;
    switch (kind) {
      case 'purchase':
        return { type: kind, identity, details, ...purchaseOf(consequence), policy: policyOf(details) };
      case 'clawback':
      case 'restoration':
        return { type: kind, identity, details, ...this.#returnOf(consequence) };
      case 'debit':
        return { type: kind, identity, amountMicrocredits, details };
      case 'hold':
        return {
          type: kind,
          identity,
          amountMicrocredits,
          life: (recorded.deadline ?? decidedAt) - decidedAt,
          limits: ANY_NUMBER,
          details,
        };
      case 'capture':
        return { type: kind, identity, holdId: recorded.holdId ?? 0n, amountMicrocredits, details };
      case 'release':
        return { type: kind, identity, holdId: recorded.holdId ?? 0n, details };
      case 'reversal':
        return {
          type: kind,
          identity,
          spend: this.#spends.get(recorded.spendId ?? 0n) ?? null,
          amountMicrocredits,
          details,
        };
      case 'adjustment':
        return { type: kind, identity, details: details ?? '', ...adjustmentOf(recorded) };
    }
  }

  #returnOf(consequence: CustomerConsequence | null) {
    if (consequence === null) throw new ReplayRefusal('no recorded payment leads to it');
    const lotId = this.#purchases.get(consequence.purchaseKeyDigest);
    if (lotId === undefined) throw new ReplayRefusal('the purchase that it is about is not in the book');
    return { lotId, amountMicrousd: consequence.amountMicrousd };
  }

  #closedLotsOf(lotId: bigint): Lot[] {
    return [...this.#closedLots.values()].filter(lot => lot.id === lotId || lot.restoresLotId === lotId);
  }

  /** What later commands will name. */
  #note(recorded: RecordedCommand, command: Command, step: Step, before: Book): void {
    const entry = step.entries.at(-1);
    if (!entry) return;
    if (command.type === 'purchase') this.#purchases.set(command.identity.keyDigest, entry.seq);
    if ((command.type === 'debit' || command.type === 'capture') && recorded.isReversed) {
      const hold =
        command.type === 'capture' ? before.holds.find(({ id }) => id === command.holdId) : undefined;
      this.#spends.set(entry.seq, {
        id: entry.seq,
        serviceId: command.identity.serviceId,
        keyNumber: hold ? hold.keyNumber : command.identity.keyNumber,
        spentAt: entry.bookedAt,
        takenAt: hold?.placedAt ?? entry.bookedAt,
        takes: consumedBy(entry),
        reversedMicrocredits: 0n,
      });
    }
    if (command.type === 'reversal' && command.spend) {
      const { spend } = command;
      this.#reversals.push({
        spendId: spend.id,
        seq: entry.seq,
        amountMicrocredits: entry.amountMicrocredits,
      });
      this.#spends.set(spend.id, {
        ...spend,
        reversedMicrocredits: spend.reversedMicrocredits + recorded.amountMicrocredits,
      });
    }
  }

  #take({ book, entries }: Step, before: Book = this.#book): readonly Entry[] {
    if (book.lots !== before.lots) {
      const faces = new Map(before.lots.map(lot => [lot.id, lot.faceMicrocredits]));
      // Only the last entry of a step changes faces: time alone does not.
      for (const { id, faceMicrocredits } of book.lots)
        if (faces.get(id) !== faceMicrocredits)
          this.#faces.push({ lotId: id, seq: book.seq, faceMicrocredits });
    }
    const lots = book.lots.some(lot => !lot.open) ? book.lots.filter(lot => lot.open) : book.lots;
    for (const lot of book.lots) if (!lot.open) this.#closedLots.set(lot.id, lot);
    for (const hold of book.holds) if (hold.closedBy !== null) this.#closedHolds.push(hold);
    const holds = book.holds.some(hold => hold.closedBy !== null)
      ? book.holds.filter(hold => hold.closedBy === null)
      : book.holds;
    this.#book = { ...book, lots, holds };
    return entries;
  }
}

function purchaseOf(consequence: CustomerConsequence | null) {
  if (consequence === null) throw new ReplayRefusal('no recorded payment leads to it');
  return { amountMicrousd: consequence.amountMicrousd, paidAt: consequence.paidAt };
}

function policyOf(details: string | null): RenewalPolicy {
  return detailOf(details, 'policy') ?? 'refill';
}

function detailOf(details: string | null, name: string): RenewalPolicy | undefined {
  try {
    return JSON.parse(details ?? '{}')[name];
  } catch {
    return undefined;
  }
}

/**
 * Whether an adjustment gave or took, and under which policy, is not in the entry but in the digest of what was asked
 * for, which only one of the possibilities gives.
 */
function adjustmentOf({ identity, amountMicrocredits: amount, details }: RecordedCommand) {
  for (const amountMicrocredits of [amount, -amount])
    for (const policy of ['refill', 'none', 'installments'] as const) {
      const payload = adjustmentPayload({ amountMicrocredits, policy, details: details ?? '' });
      const { payloadDigest } = commandIdentity({
        serviceId: OWN_SERVICE_ID,
        keyNumber: null,
        idempotencyKey: '',
        payload,
      });
      if (payloadDigest === identity.payloadDigest) return { amountMicrocredits, policy };
    }
  throw new ReplayRefusal('its amount and details are not what was asked for');
}

/** What the entry consumed of each lot, in the order in which it did. */
function consumedBy(entry: Entry): Take[] {
  return entry.postings.flatMap(({ to, lot, amount }) =>
    to === 'CREDIT:consumed' && lot ? [{ lotId: lot.id, amountMicrocredits: amount }] : [],
  );
}
