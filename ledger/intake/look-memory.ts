import type { Alarm, AlarmKind } from '../alarms/alarm.ts';
import { LastingAlarms } from '../alarms/lasting-alarms.ts';
import { lesserOf } from '../core/amount.ts';
import type { IntakeContext } from './context.ts';
import { OpenQuestions } from './open-questions.ts';
import type { Outvoted } from './outvoted.ts';

/** The kinds of alarms that a look finds reason for. */
export const LOOK_ALARMS = [
  'payment_without_row',
  'payment_unconfirmed',
  'row_not_on_chain',
  'rpc_disagreement',
  'rpc_outvoted',
] as const satisfies readonly AlarmKind[];

/** The newest safe and final blocks of the chain, as far as all RPCs that answer have them. */
export interface SettledHeads {
  readonly safeBlock: bigint;
  readonly finalizedBlock: bigint;
}

/** What the intake remembers from look to look. It is lost with the process, and then found out again. */
export interface LookMemory {
  readonly alarms: LastingAlarms;
  readonly questions: OpenQuestions;
  /** Receipts that are not on the chain as they are recorded, although the indexer may still show them so. */
  readonly orphaned: Set<string>;
  /** Inclusions of which a single RPC has said once that they are gone. */
  readonly saidGone: Set<string>;
  /** What an RPC contradicted although two others agreed, by receipt and RPC. */
  readonly outvoted: Map<string, Outvoted>;
  /** How RPCs differ about the balance; null when they do not. */
  balanceDispute: string | null;
  /** Null until the chain was asked. */
  settledHeads: SettledHeads | null;
  /** The last block before a deep reorg that was not yet looked into; null without one. */
  forkedAt: bigint | null;
}

export function newLookMemory(context: IntakeContext): LookMemory {
  return {
    alarms: new LastingAlarms(context),
    questions: new OpenQuestions(),
    orphaned: new Set(),
    saidGone: new Set(),
    outvoted: new Map(),
    balanceDispute: null,
    settledHeads: null,
    forkedAt: null,
  };
}

/** What one look has found; an alarm only if it lasts. */
export class Findings {
  readonly alarms: Alarm[] = [];
  /** The oldest block with a payment that is in doubt; null without one. */
  oldestDoubt: bigint | null = null;

  add(kind: (typeof LOOK_ALARMS)[number], subject: string, message: string): void {
    this.alarms.push({ kind, subject, message });
  }

  /** A payment in `block` is in doubt: nothing from there on is settled. */
  doubt(block: bigint): void {
    this.oldestDoubt = this.oldestDoubt === null ? block : lesserOf(this.oldestDoubt, block);
  }
}
