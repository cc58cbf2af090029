/** `npx credits prove`: what a customer needs to see for themselves that their book is in a seal. */
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import {
  instantText,
  parseAccountName,
  proofJson,
  proveBook,
  readNewestSeal,
  readSeal,
  readSealedJournal,
  readSealTree,
  sealedEntryJson,
} from '../ledger/index.ts';
import { counted } from './counted.ts';
import { jsonText } from './json-text.ts';
import { noSeal, readSealNumber, withDatabase } from './seal.ts';
import { UsageError } from './usage-error.ts';

const ENTRIES_A_PAGE = 1000;

export function proveCommand(): Command {
  return new Command('prove')
    .description(
      "write the proof that an account's book is in a seal, with its journal; docs/verify-proof.mjs checks it offline",
    )
    .requiredOption('--account <account>', 'whose book, such as acct_0123456789abcdef')
    .option('--seal <number>', 'in which seal (the newest)')
    .requiredOption('--out <file>', 'where to write it')
    .option('--json', 'print JSON')
    .action(async (options: { account: string; seal?: string; out: string; json?: boolean }) => {
      const accountId = parseAccountName(options.account);
      if (accountId === null)
        throw new UsageError('--account takes the name of an account: acct_ and 16 hex digits.');
      const number = options.seal === undefined ? null : readSealNumber(options.seal);
      const proof = await prove(accountId, number);
      await writeFile(options.out, `${jsonText(proof)}\n`);
      const { seal, book, entries } = proof;
      const told = {
        account: book.name,
        seal: seal.number,
        sealed_entry: book.seq,
        entries: entries.length,
        file: options.out,
      };
      console.log(
        options.json
          ? jsonText(told)
          : `wrote ${told.file}: ${told.account} is in seal ${told.seal} with entry ${told.sealed_entry}, and ${counted(told.entries, 'entry', 'entries')}`,
      );
    });
}

async function prove(accountId: bigint, number: number | null) {
  return await withDatabase('credits_auditor', async ({ pool, installation: { bucketCount } }) => {
    const seal = number === null ? await readNewestSeal(pool) : await readSeal(pool, number);
    if (!seal) throw new Error(noSeal(number));
    const account = { accountId, bucketCount };
    const proof = await proveBook(pool, await readSealTree(pool, seal, bucketCount), account);
    if (!proof)
      throw new Error(
        `The account had no entry by seal ${seal.number}, which is through ${instantText(seal.through)}: check its name, or wait for a later seal.`,
      );
    const entries = [];
    for (let after: bigint | null = 0n; after !== null; ) {
      const page = await readSealedJournal(pool, account, { after, limit: ENTRIES_A_PAGE });
      entries.push(...page.entries.map(sealedEntryJson));
      after = page.next;
    }
    return { ...proofJson(proof), entries };
  });
}
