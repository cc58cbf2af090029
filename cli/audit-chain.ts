/** `npx credits audit-chain`: what the chain's own history says, laid beside what the ledger has recorded. */
import { Command } from 'commander';
import {
  AuditRangeError,
  auditChain,
  CALLS_PER_REQUEST_DEFAULT,
  type ChainAudit,
  type ChainDifference,
  describeRpcFailure,
  isRpcFailure,
  openPool,
  REQUESTS_AT_ONCE_DEFAULT,
} from '../ledger/index.ts';
import { counted } from './counted.ts';
import { jsonText } from './json-text.ts';
import { openKeptScan } from './kept-scan.ts';
import { type Progress, startProgress } from './progress.ts';
import { withSurroundings } from './surroundings.ts';
import { UsageError } from './usage-error.ts';

const ABOUT = `
Finds the blocks in which the payment address changed by halving the chain's history on balance, nonce and code, reads
these, and compares them with the receipts, withdrawals and transactions of the ledger. Where the proof does not hold that
nothing else happened, it says why. BASE_RPC_URL should be an archive node that traces (debug_traceBlockByNumber).
Ends with 1 on any difference, and where the proof does not hold.`;

/** What helps with an RPC that refuses. */
const AGAIN =
  ' Check BASE_RPC_URL. (A smaller --batch or --parallel may help; --resume goes on where it stopped.)';

interface AuditArguments {
  readonly from?: string;
  readonly to?: string;
  readonly resume?: string;
  readonly batch: string;
  readonly parallel: string;
  readonly json?: true;
}

export function auditChainCommand(done: (code: number) => void): Command {
  return new Command('audit-chain')
    .description(
      'find every payment in the history of the chain itself, prove that none was missed, and compare',
    )
    .option('--from <block>', 'the block after which to begin; that at which the books opened when left out')
    .option('--to <block>', 'the last block; the last one that is finally taken in when left out')
    .option('--resume <file>', 'keep what the RPC told in this file, and go on from there if it exists')
    .option('--batch <calls>', 'how many calls go into one request', String(CALLS_PER_REQUEST_DEFAULT))
    .option(
      '--parallel <requests>',
      'how many requests may be on their way',
      String(REQUESTS_AT_ONCE_DEFAULT),
    )
    .option('--json', 'print JSON')
    .addHelpText('after', ABOUT)
    .action(async (given: AuditArguments) => done(await audit(given)));
}

async function audit({ from, to, resume, batch, parallel, json }: AuditArguments): Promise<number> {
  const after = from === undefined ? undefined : blockOf('--from', from);
  const through = to === undefined ? undefined : blockOf('--to', to);
  const callsPerRequest = countOf('--batch', batch, 1000);
  const requestsAtOnce = countOf('--parallel', parallel, 32);
  return await withSurroundings(async surroundings => {
    const databaseUrl = await surroundings.databaseUrl();
    const rpcUrl = await surroundings.rpcUrl();
    const pool = openPool({
      databaseUrl,
      // It needs to read and nothing more.
      role: 'credits_auditor',
      max: 1,
      applicationName: 'credits-audit-chain',
    });
    const bars = new Map<string, Progress>();
    const clear = () => {
      for (const bar of bars.values()) bar.clear();
    };
    try {
      const found = await auditChain(pool, {
        ...{ rpcUrl, after, through, callsPerRequest, requestsAtOnce },
        remember: resume === undefined ? undefined : subject => openKeptScan(resume, subject),
        onProgress(what, points, expected) {
          const bar = bars.get(what) ?? startProgress(what);
          bars.set(what, bar);
          bar.show(points, expected);
        },
      });
      clear();
      console.log(json ? jsonText(found) : textOf(found));
      return found.isProven && found.differences.length === 0 ? 0 : 1;
    } catch (error) {
      if (error instanceof AuditRangeError) throw new UsageError(error.message);
      // In words without its URL, which may hold a key.
      if (isRpcFailure(error))
        throw new Error(`The RPC cannot be used: ${describeRpcFailure(error)}${AGAIN}`);
      throw error;
    } finally {
      clear();
      await pool.end();
    }
  });
}

function blockOf(option: string, text: string): bigint {
  if (!/^\d{1,15}$/.test(text))
    throw new UsageError(`${option} takes the number of a block, such as 21000000.`);
  return BigInt(text);
}

function countOf(option: string, text: string, max: number): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1 || count > max)
    throw new UsageError(`${option} takes a number from 1 to ${max}.`);
  return count;
}

function textOf(audit: ChainAudit): string {
  const { range, outgoing, differences, doubts } = audit;
  const blocks = range.through - range.after;
  const agreed = audit.receiptsAgreed + audit.receiptsAgreedOtherwise;
  const status = (wanted: string) => outgoing.filter(one => one.status === wanted).length;
  const pending = status('not_recorded_yet');
  return [
    ...differences.flatMap(linesOf),
    `${audit.paymentAddress} on chain ${audit.chainId}, blocks ${range.after + 1n} to ${range.through}`,
    `  ${counted(audit.blocksFound, 'block')} of ${blocks} changed it: found in ${counted(audit.points, 'point')} (at most ${audit.pointsBound}), ` +
      `of which ${audit.pointsAsked} were asked for now, in ${counted(audit.requests, 'request')}`,
    `  receipts: ${audit.receiptsOnChain} seen on the chain, ${agreed} recorded as the chain has them`,
    `  outgoing: ${counted(outgoing.length, 'transaction')}, ${status('explained')} recorded as they are` +
      (pending > 0 ? `, ${pending} not recorded yet (the ledger has not compared its balance that far)` : ''),
    `  ${balanceLine(audit)}`,
    ...(audit.isProven
      ? ['  proven: nothing else came to the address in these blocks']
      : ['  NOT proven that nothing else came to the address:', ...doubts.map(doubt => `    ${doubt}`)]),
    differences.length === 0 ? 'no difference' : counted(differences.length, 'difference'),
  ].join('\n');
}

/** The sum by which the balance at the end follows from that at the beginning. */
function balanceLine(audit: ChainAudit): string {
  const { openingWei, arrivedWei, mintedWei, withdrawnWei, feesWei, unexplainedWei, closingWei } = audit;
  const minted = mintedWei === 0n ? '' : ` + ${mintedWei} minted`;
  const unexplained = unexplainedWei === 0n ? '' : ` + ${unexplainedWei} unexplained`;
  return `balance: ${openingWei} + ${arrivedWei} in${minted} − ${withdrawnWei} out − ${feesWei} fees${unexplained} = ${closingWei} wei`;
}

function linesOf({ kind, of, id, blockNumber, amountWei, fields, likelyCause }: ChainDifference): string[] {
  const amount = of === 'transaction' ? `fee ${amountWei} wei` : `${amountWei} wei`;
  return [
    `${kind} ${of} ${id}: ${amount} in block ${blockNumber}: ${likelyCause}`,
    ...fields.map(
      ({ field, recorded, onChain }) => `  ${field}: recorded ${recorded}, on the chain ${onChain}`,
    ),
  ];
}
