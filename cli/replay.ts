/** `npx credits replay`: the ledger made again out of what is on record, and compared. */
import { Command } from 'commander';
import type pg from 'pg';
import { readSenderList } from '../api/sender-list.ts';
import {
  AuditRangeError,
  describeRpcFailure,
  exportArchive,
  importArchive,
  isRpcFailure,
  openAuditClient,
  openKysely,
  openPool,
  type Replayed,
  type ReplayOptions,
  type RestoreOptions,
  readAuditedRange,
  readInstallation,
  readLatestInstant,
  replayJournal,
  restoreReceipts,
  type ScratchComparison,
  ScratchSchemaError,
  SenderLists,
  scanReceipts,
} from '../ledger/index.ts';
import { booksText, counted } from './counted.ts';
import { jsonText } from './json-text.ts';
import { problemLine } from './problem-line.ts';
import { startProgress } from './progress.ts';
import { checkTargetUrl, readAccountOption, readInstantOption } from './read-options.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { UsageError } from './usage-error.ts';

/** A fetch waits for the database to sort a whole bucket. */
const QUERY_TIMEOUT_MS = 30 * 60_000;

interface ReplayArguments {
  readonly at?: string;
  readonly account?: string;
  readonly into?: string;
  readonly fromChain?: true;
  readonly restore?: true;
  readonly scratch?: string;
  readonly keep?: true;
  readonly json?: true;
}

export function replayCommand(done: (code: number) => void): Command {
  return new Command('replay')
    .description(
      'make every book again out of recorded facts and commands, and compare each entry, lot, hold, balance and head; ' +
        'end with 1 when there is any difference',
    )
    .option('--at <instant>', 'only what was booked by then, such as 2026-03-01T15:00:00Z')
    .option('--account <account>', 'the book of this account only, such as acct_0123456789abcdef')
    .option('--from-chain', 'take receipts from an independent scan of the chain instead of from the records')
    .option(
      '--restore',
      'with --from-chain: record the receipts that are missing or otherwise, for the worker to credit',
    )
    .option(
      '--scratch <schema>',
      'also write what is made into this new schema of the database, compare it there by SQL in every column, and drop it again',
    )
    .option('--keep', 'with --scratch: leave the schema there, to be looked at')
    .option('--into <url>', 'restore the service from its facts in this empty database, instead of comparing')
    .option('--json', 'print JSON')
    .action(async (given: ReplayArguments) => done(await replay(given)));
}

async function replay(given: ReplayArguments): Promise<number> {
  const { into, fromChain, restore, scratch, keep } = given;
  const range = { at: readInstantOption('--at', given.at), accountId: readAccountOption(given.account) };
  if (into !== undefined && (given.at ?? given.account ?? fromChain ?? scratch) !== undefined)
    throw new UsageError(
      '--into restores all there is: leave out --at, --account, --from-chain and --scratch.',
    );
  if (keep && scratch === undefined) throw new UsageError('--keep goes with --scratch.');
  if (restore && !fromChain) throw new UsageError('--restore goes with --from-chain.');
  if (into !== undefined) checkTargetUrl(into);
  return await withSurroundings(async surroundings => {
    const pool = openPool({
      databaseUrl: await surroundings.databaseUrl(),
      // The archive has keys in it, which an auditor does not read.
      ...(into === undefined ? { role: 'credits_auditor' as const } : {}),
      max: 1,
      applicationName: 'credits-replay',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
    });
    try {
      return into === undefined
        ? await compare(pool, surroundings, { ...given, ...range })
        : await restoreInto(pool, into, given.json ?? false);
    } finally {
      await pool.end();
    }
  });
}

async function restoreInto(pool: pg.Pool, databaseUrl: string, json: boolean): Promise<number> {
  const progress = startProgress('lines');
  try {
    const lines = exportArchive(pool, { onProgress: progress.show });
    const imported = await importArchive({ databaseUrl, lines });
    progress.clear();
    const text = `${booksText(imported)} restored, and each ends as it did.`;
    console.log(json ? jsonText(imported) : text);
    return 0;
  } finally {
    progress.clear();
  }
}

type Compared = Pick<ReplayArguments, 'fromChain' | 'restore' | 'scratch' | 'keep' | 'json'> &
  Pick<ReplayOptions, 'at' | 'accountId'>;

async function compare(
  pool: pg.Pool,
  surroundings: Surroundings,
  { fromChain, restore, scratch, keep, json, at, accountId }: Compared,
): Promise<number> {
  if (at !== undefined && at > (await readLatestInstant(pool)))
    throw new UsageError('--at is in the future: there is nothing to replay yet. Leave it out for now.');
  const scanned = fromChain ? await scanFor(pool, await surroundings.rpcUrl()) : undefined;
  const restored = scanned && restore ? await restoreScanned(surroundings, scanned.receipts) : [];
  const progress = startProgress('entries');
  const tables = startProgress('tables compared');
  try {
    const replayed = await replayJournal(pool, {
      ...{ at, accountId, scanned, onProgress: progress.show },
      scratch:
        scratch === undefined
          ? undefined
          : {
              databaseUrl: await surroundings.databaseUrl(),
              schema: scratch,
              keeps: keep,
              onProgress: tables.show,
            },
    });
    progress.clear();
    const doubts = scanned?.doubts ?? [];
    const { scratch: copy, ...compared } = replayed;
    const result = {
      ...compared,
      ...(copy
        ? {
            scratch: {
              schema: copy.schema,
              rows: copy.rows,
              rows_differing: copy.rowsDiffering,
              kept: copy.kept,
            },
          }
        : {}),
      ...(scanned ? { scanned: scanned.receipts.length, doubts, restored } : {}),
    };
    console.log(json ? jsonText(result) : [...linesOf(scanned, restored), textOf(replayed)].join('\n'));
    const isSame = replayed.differences.length === 0 && (replayed.scratch?.rowsDiffering ?? 0) === 0;
    return isSame && doubts.length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof ScratchSchemaError) throw new UsageError(`--scratch: ${error.message}`);
    throw error;
  } finally {
    progress.clear();
  }
}

async function restoreScanned(
  surroundings: Surroundings,
  receipts: RestoreOptions['receipts'],
): Promise<readonly string[]> {
  const databaseUrl = await surroundings.databaseUrl();
  return await restoreReceipts({ databaseUrl, receipts, senders: listedSenders() });
}

/** The receipts of all that the ledger has finally taken in, found without it. */
async function scanFor(pool: pg.Pool, rpcUrl: string) {
  const progress = startProgress('points');
  try {
    const range = await readAuditedRange(pool);
    const { chainId, genesisHash, paymentAddress } = await readInstallation(openKysely(pool));
    const { receipts, doubts } = await scanReceipts({
      rpc: openAuditClient({ rpcUrl }),
      subject: { chainId, genesisHash, paymentAddress },
      range,
      onProgress: (_, done, expected) => progress.show(done, expected),
    });
    return { range, receipts, doubts };
  } catch (error) {
    if (error instanceof AuditRangeError) throw new UsageError(error.message);
    // In words without its URL, which may hold a key.
    if (isRpcFailure(error))
      throw new Error(`The RPC cannot be used: ${describeRpcFailure(error)}. Check BASE_RPC_URL.`);
    throw error;
  } finally {
    progress.clear();
  }
}

/** Whom the operator knows: what they paid is not anybody's by itself. */
function listedSenders(): SenderLists {
  const problems: string[] = [];
  const listed = (name: string) => {
    const path = process.env[name]?.trim();
    return path ? readSenderList(name, path, problems) : [];
  };
  const senders = { pooled: listed('POOLED_SENDERS_FILE'), blocked: listed('BLOCKED_SENDERS_FILE') };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return new SenderLists(senders);
}

function linesOf(
  scanned: Awaited<ReturnType<typeof scanFor>> | undefined,
  restored: readonly string[],
): string[] {
  if (!scanned) return [];
  const { after, through } = scanned.range;
  return [
    ...restored.map(receipt => `restored: receipt ${receipt}, which the worker will price and credit`),
    ...scanned.doubts.map(doubt => `not proven: ${doubt}`),
    `${counted(scanned.receipts.length, 'receipt was', 'receipts were')} found on the chain in blocks ${after + 1n} to ${through}`,
  ];
}

function textOf({ books, entries, commands, differences, scratch }: Replayed): string {
  const outcome = differences.length === 0 ? 'all the same' : counted(differences.length, 'difference');
  const made = `${counted(books, 'book')} made again from ${counted(commands, 'fact or command', 'facts and commands')}, ${counted(entries, 'entry', 'entries')} compared: ${outcome}`;
  return [...differences.map(problemLine), ...(scratch ? scratchLines(scratch) : []), made].join('\n');
}

function scratchLines({ schema, rows, rowsDiffering, kept }: ScratchComparison): string[] {
  const differing = rowsDiffering === 0 ? 'none differs' : `${rowsDiffering} differ from what is stored`;
  return [
    `${counted(rows, 'row')} made in schema ${schema} and compared by SQL: ${differing}`,
    kept
      ? `the schema is kept; look at it with \`select * from ${schema}.entries\`, and remove it with \`drop schema ${schema} cascade\``
      : 'the schema is dropped again: --keep leaves it there',
  ];
}
