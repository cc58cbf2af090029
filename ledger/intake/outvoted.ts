/**
 * RPCs that contradict what two others agree on. What is recorded stays, but one that lies, or has another chain, must
 * not do so unnoticed: with one more like it, it would be right.
 */
import type { Instant } from '../core/instant.ts';
import type { ChainRpc } from './chain-rpc.ts';
import type { IntakeContext } from './context.ts';
import type { Findings, LookMemory } from './look-memory.ts';
import type { Included } from './receipt-facts.ts';
import { contradicts, testify } from './testimony.ts';

/** An RPC that was outvoted, and about what. */
export interface Outvoted {
  readonly rpc: ChainRpc;
  readonly recorded: Included;
}

/** Asks those that were outvoted again, and finds those that still say so. */
export async function reviewOutvoted(
  context: IntakeContext,
  memory: LookMemory,
  findings: Findings,
  now: Instant,
): Promise<void> {
  const { paymentAddress } = context.installation;
  const told = new Set<string>();
  for (const [key, { rpc, recorded }] of memory.outvoted) {
    const stands = await memory.questions.ask(
      `outvoted ${key}`,
      now,
      async () => {
        const testimony = await testify(rpc, recorded, paymentAddress);
        // One that says nothing has taken nothing back.
        return testimony.says === 'nothing' || contradicts(testimony, recorded);
      },
      still => !still,
    );
    if (!stands) memory.outvoted.delete(key);
    else if (!told.has(rpc.name)) {
      told.add(rpc.name);
      const what = `the ${recorded.amountWei} wei of receipt ${recorded.receiptId}`;
      findings.add('rpc_outvoted', rpc.name, `${rpc.name} contradicts the other RPCs about ${what}.`);
    }
  }
}
