/** `npx credits seal …`: signed seals of all books, made, verified and published. */
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import {
  generateSealKey,
  type Installation,
  instantText,
  makeSeal,
  openKysely,
  openPool,
  type Problem,
  type Publication,
  parseInstant,
  publishSeal,
  readDocument,
  readInstallation,
  readNewestSeal,
  readPublication,
  readSeal,
  readSealByHash,
  readSealKey,
  readTotals,
  type SealRow,
  sealJson,
  verifySeals,
} from '../ledger/index.ts';
import { counted } from './counted.ts';
import { jsonText } from './json-text.ts';
import { problemLine } from './problem-line.ts';
import { startProgress } from './progress.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { UsageError } from './usage-error.ts';

/** Adding up a large journal takes the database minutes. */
const QUERY_TIMEOUT_MS = 30 * 60_000;
const DAY = 86_400_000_000n;

export function sealCommand(done: (code: number) => void): Command {
  return new Command('seal')
    .description(
      'seal what all books came to at an instant; the same instant again gives the same seal, and an earlier one none',
    )
    .option('--at <instant>', 'through which instant, such as 2026-03-02T00:00:00Z (the newest midnight UTC)')
    .option('--json', 'print JSON')
    .action(async ({ at, json = false }: { at?: string; json?: boolean }) => {
      const seal = await makeAt(at === undefined ? null : readInstant(at));
      console.log(json ? jsonText(withTotals(seal)) : sealText(seal));
    })
    .addCommand(keygenCommand())
    .addCommand(verifyCommand(done))
    .addCommand(publishCommand());
}

function keygenCommand(): Command {
  return new Command('keygen')
    .description('make the Ed25519 key that signs seals, in a file that only you may read')
    .requiredOption('--out <file>', 'a file that there is not yet')
    .option('--json', 'print JSON')
    .action(async ({ out, json = false }: { out: string; json?: boolean }) => {
      const pem = generateSealKey();
      await writeFile(out, pem, { mode: 0o600, flag: 'wx' });
      const { publicKey } = readSealKey(pem);
      console.log(
        json
          ? jsonText({ file: out, public_key: publicKey })
          : `wrote ${out}\npublic key ${publicKey}: publish it where your customers find it`,
      );
    });
}

function verifyCommand(done: (code: number) => void): Command {
  return new Command('verify')
    .description(
      'recompute every seal from the journal; name the seal and the book that differ, and end with 1 then',
    )
    .option('--key <hex>', 'the public key that must have signed, 64 hex digits')
    .option('--published <transaction>', 'also compare with the seal that this transaction published')
    .option('--json', 'print JSON')
    .action(async ({ key, published, json = false }: { key?: string; published?: string; json?: boolean }) =>
      done(await verify({ key, published, json })),
    );
}

function publishCommand(): Command {
  return new Command('publish')
    .description('put the hash of a seal on the chain, as the calldata of a transaction that moves nothing')
    .option('--seal <number>', 'which seal (the newest)')
    .option('--allow-payment-address', 'the key may be that of the payment address, which then pays the gas')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nPUBLISHER_KEY or PUBLISHER_KEY_FILE is the private key of an address that can pay the gas.',
    )
    .action(
      async (options: { seal?: string; allowPaymentAddress?: boolean; json?: boolean }) =>
        await publish(options),
    );
}

async function makeAt(at: bigint | null): Promise<SealRow> {
  return await withDatabase('credits_worker', async ({ pool, installation, surroundings }) => {
    const key = readSealKey(await surroundings.sealKey());
    const now = async () => {
      const { rows } = await pool.query<{ now: bigint }>('select clock_timestamp() as now');
      if (!rows[0]) throw new Error('the database did not tell its clock');
      return rows[0].now;
    };
    const progress = startProgress('books');
    try {
      const through = at ?? newestMidnight(await now());
      const onProgress = (books: number) => progress.show(books, null);
      return await makeSeal({ pool, installation, key, now, onProgress }, through);
    } finally {
      progress.clear();
    }
  });
}

function newestMidnight(now: bigint): bigint {
  return now - (now % DAY);
}

async function verify({
  key,
  published,
  json,
}: {
  readonly key: string | undefined;
  readonly published: string | undefined;
  readonly json: boolean;
}): Promise<number> {
  if (key !== undefined && !/^[0-9a-f]{64}$/.test(key))
    throw new UsageError(
      '--key takes a public key: 64 hex digits in lower case, as `seal keygen` prints it.',
    );
  if (published !== undefined && !/^0x[0-9a-fA-F]{64}$/.test(published))
    throw new UsageError(
      '--published takes the hash of a transaction: 0x and 64 hex digits, as `seal publish` prints it.',
    );
  return await withDatabase('credits_auditor', async ({ pool, installation, surroundings }) => {
    const publication =
      published === undefined
        ? null
        : await readPublication(published, { rpcUrl: await surroundings.rpcUrl(), installation });
    const progress = startProgress('entries');
    try {
      const verification = await verifySeals(pool, {
        publicKey: key,
        onProgress: entries => progress.show(entries, null),
      });
      progress.clear();
      const seal = publication && (await readSealByHash(pool, publication.sealHash));
      const missing = publication && !seal ? [missingSeal(publication)] : [];
      const problems = [...verification.problems, ...missing];
      const { seals, publicKeys, newestHash } = verification;
      const found = { seals, public_keys: publicKeys, newest_hash: newestHash, publication, problems };
      console.log(json ? jsonText(found) : verificationText(found, seal?.number ?? null));
      return problems.length > 0 ? 1 : 0;
    } finally {
      progress.clear();
    }
  });
}

function missingSeal({ transaction, sealHash }: Publication): Problem {
  const what = `transaction ${transaction} published a seal that is not here`;
  return { book: null, entry: null, what, expected: sealHash, found: 'none' };
}

function verificationText(
  found: {
    readonly seals: number;
    readonly public_keys: readonly string[];
    readonly newest_hash: string | null;
    readonly publication: Publication | null;
    readonly problems: readonly Problem[];
  },
  published: number | null,
): string {
  const { seals, problems, publication } = found;
  const summary = problems.length === 0 ? 'no problem' : counted(problems.length, 'problem');
  return [
    ...problems.map(problemLine),
    ...found.public_keys.map(key => `signed with ${key}`),
    ...(publication && published !== null ? [publicationText(published, publication)] : []),
    `${counted(seals, 'seal')}, the newest ${found.newest_hash ?? 'none'}: ${summary}`,
  ].join('\n');
}

async function publish(options: {
  readonly seal?: string;
  readonly allowPaymentAddress?: boolean;
  readonly json?: boolean;
}): Promise<void> {
  const number = options.seal === undefined ? null : readSealNumber(options.seal);
  await withDatabase('credits_auditor', async ({ pool, installation, surroundings }) => {
    const seal = number === null ? await readNewestSeal(pool) : await readSeal(pool, number);
    if (!seal) throw new Error(noSeal(number));
    const publication = await publishSeal(seal, {
      rpcUrl: await surroundings.rpcUrl(),
      installation,
      privateKey: surroundings.publisherKey(),
      allowsPaymentAddress: options.allowPaymentAddress ?? false,
    });
    console.log(
      options.json
        ? jsonText({ seal: seal.number, ...publication })
        : publicationText(seal.number, publication),
    );
  });
}

interface Opened {
  readonly pool: ReturnType<typeof openPool>;
  readonly installation: Installation;
  readonly surroundings: Surroundings;
}

/** Does `work` on the database that the surroundings name, with the rights of `role`. */
export async function withDatabase<Result>(
  role: 'credits_worker' | 'credits_auditor',
  work: (opened: Opened) => Promise<Result>,
): Promise<Result> {
  return await withSurroundings(async surroundings => {
    const databaseUrl = await surroundings.databaseUrl();
    const pool = openPool({
      databaseUrl,
      role,
      max: 2,
      applicationName: 'credits-seal',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
    });
    try {
      return await work({ pool, installation: await readInstallation(openKysely(pool)), surroundings });
    } finally {
      await pool.end();
    }
  });
}

/** The number of a seal as it is typed. */
export function readSealNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError('--seal takes the number of a seal, such as 12.');
  return Number(text);
}

export function noSeal(number: number | null): string {
  return number === null
    ? 'There is no seal yet: the worker makes one each midnight with SEAL_KEY, and `npx credits seal` at once.'
    : `There is no seal ${number}: \`npx credits seal verify\` says how many there are.`;
}

function readInstant(text: string): bigint {
  try {
    return parseInstant(text);
  } catch {
    throw new UsageError('--at takes an instant in UTC, such as 2026-03-02T00:00:00Z.');
  }
}

function withTotals(seal: SealRow) {
  return { ...sealJson(seal), totals: readTotals(seal.totals) };
}

function sealText(seal: SealRow): string {
  const { hash, public_key } = sealJson(seal);
  const books = readDocument(seal.document)?.bookCount ?? 0;
  return `seal ${seal.number} through ${instantText(seal.through)}: ${counted(books, 'book')}\nhash ${hash}\nsigned with ${public_key}`;
}

function publicationText(
  number: number,
  { transaction, blockNumber, blockSeconds, from }: Publication,
): string {
  const at = instantText(blockSeconds * 1_000_000n);
  return `seal ${number} is published by transaction ${transaction} of ${from} in block ${blockNumber}, ${at}`;
}
