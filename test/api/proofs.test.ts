/** What a customer verifies offline, with the script of the documentation: sound, and tampered with. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { accountName, generateSealKey, readSealKey } from '../../ledger/index.ts';
import { type ApiUnderTest, BEGINNING, type Customer, startApi } from '../support/api.ts';
import { spendingKey } from '../support/contract/keys-cases.ts';
import { sweepAndSeal } from '../support/sealing.ts';

const SCRIPT = fileURLToPath(new URL('../../docs/verify-proof.mjs', import.meta.url));
const HOUR = 3_600_000_000n;
const KEY = readSealKey(generateSealKey());

interface Entry {
  seq: string;
  sealed: string;
  hash: string;
}
interface Proof {
  seal: { document: string; hash: string; signature: string; public_key: string; number: number };
  book: Record<string, string>;
  leaf_index: number;
  leaf_count: number;
  path: string[];
}

let api: ApiUnderTest;
let customer: Customer;
let folder: string;
let proof: Proof;
let entries: Entry[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credits-proof-'));
  api = await startApi();
  api.now = BEGINNING;
  customer = await api.customer();
  for (let others = 0; others < 4; others += 1) await api.customer();
  await api.debit(customer, '12.5', 'one', {
    json: { secure_key: customer.secureKey, amount: '12.5', description: 'Grüße, 世界 🌍' },
  });
  api.now += HOUR;
  await api.debit(customer, '0.000001', 'two');
  await sweepAndSeal(api.database.url, api.now, KEY);
  api.now += HOUR;
  // Behind the seal.
  await api.debit(customer, '100', 'three');
  proof = await get<Proof>('/v1/proof');
  entries = await journal();
});
afterAll(async () => {
  await api?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function get<Body>(path: string, bearer = customer.secureKey): Promise<Body> {
  const { status, body } = await api.call<Body>('GET', path, { bearer });
  expect(status).toBe(200);
  return body;
}

/** Two entries a page. */
async function journal(): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let after = ''; ; ) {
    const page = await get<{ entries: Entry[]; next: string | null }>(`/v1/journal?limit=2${after}`);
    all.push(...page.entries);
    if (page.next === null) return all;
    after = `&after=${page.next}`;
  }
}

/** What the script says of the files, and how it ends. */
async function verified(
  files: readonly object[],
  ...more: string[]
): Promise<{ code: number; said: string }> {
  const paths = await Promise.all(
    files.map(async (content, index) => {
      const path = join(folder, `${index}.json`);
      await writeFile(path, JSON.stringify(content));
      return path;
    }),
  );
  return await new Promise(resolve => {
    execFile(process.execPath, [SCRIPT, ...paths, ...more], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr });
    });
  });
}

describe('a proof', () => {
  it('is verified with the journal, in one file or page by page, and with the key', async () => {
    const pages = [proof, { entries: entries.slice(2) }, { entries: entries.slice(0, 2) }];
    const { code, said } = await verified(pages, '--key', KEY.publicKey);
    expect({ code, said }).toMatchObject({ code: 0 });
    expect(said).toContain(`PROVED: ${accountName(customer.accountId)} had 9987.499999 credits available`);
    expect(said).toContain('4 entries recomputed.');
    expect(said).not.toContain('No --key');
    expect(await verified([{ ...proof, entries }])).toMatchObject({ code: 0 });
  });

  it('is verified without the journal, and says so', async () => {
    const { code, said } = await verified([proof]);
    expect(code).toBe(0);
    expect(said).toContain('No journal was given');
    expect(said).toContain('No --key was given');
  });

  it('is what any key of the account is told, and the journal only one that manages it', async () => {
    const spends = await spendingKey(api, customer);
    expect(await get('/v1/proof', spends)).toEqual(proof);
    expect((await api.call('GET', '/v1/journal', { bearer: spends })).status).toBe(403);
  });
});

const flipped = (hex: string) => (hex.startsWith('0') ? `1${hex.slice(1)}` : `0${hex.slice(1)}`);
const changed = (change: (copy: Proof & { entries: Entry[] }) => void) => {
  const copy = structuredClone({ ...proof, entries });
  change(copy);
  return copy;
};
const tamperings: readonly [title: string, change: Parameters<typeof changed>[0], says: string][] = [
  [
    'more credits',
    ({ book }) => {
      book.available_microcredits += '0';
    },
    'does not lead to the sealed root',
  ],
  [
    'another head',
    ({ book }) => {
      book.head = flipped(book.head ?? '');
    },
    'does not lead to the sealed root',
  ],
  [
    'another place',
    copy => {
      copy.leaf_index ^= 1;
    },
    'does not lead to the sealed root',
  ],
  [
    'a place that there is not',
    copy => {
      copy.leaf_index = copy.leaf_count;
    },
    'not among the books',
  ],
  [
    'fewer books',
    copy => {
      copy.leaf_count -= 1;
    },
    'not among the books',
  ],
  [
    'another sibling',
    ({ path }) => {
      path[0] = flipped(path[0] ?? '');
    },
    'does not lead to the sealed root',
  ],
  ['a sibling less', ({ path }) => void path.pop(), 'does not lead to the sealed root'],
  [
    'another document',
    ({ seal }) => {
      seal.document = seal.document.replace('8453', '8454');
    },
    "the seal's hash",
  ],
  [
    'another signature',
    ({ seal }) => {
      seal.signature = flipped(seal.signature);
    },
    'the signature does not fit',
  ],
  [
    'a seal by somebody else',
    ({ seal }) => {
      const other = readSealKey(generateSealKey());
      seal.document = seal.document.replace(KEY.publicKey, other.publicKey);
      seal.signature = other.sign(seal.document).toString('hex');
    },
    "the seal's hash",
  ],
  ['an entry that is missing', copy => void copy.entries.splice(1, 1), 'entry 2 is missing'],
  [
    'an entry twice',
    copy => void copy.entries.push(copy.entries[3] as Entry),
    'entry 5 is missing, or there twice',
  ],
  ['a journal that is cut off', copy => void copy.entries.splice(2), 'the journal ends before entry 3'],
  [
    'another amount',
    ({ entries: [, entry] }) => {
      if (entry) entry.sealed = entry.sealed.replace('8:12500000', '8:12500001');
    },
    'the hash of entry 2',
  ],
  [
    'another hash',
    ({ entries: [entry] }) => {
      if (entry) entry.hash = flipped(entry.hash);
    },
    'the hash of entry 1',
  ],
  ['another format', copy => void Object.assign(copy, { format: 'x' }), 'the format is x'],
];

test.each(tamperings)('with %s it is none', async (_, change, says) => {
  const { code, said } = await verified([changed(change)]);
  expect(code).toBe(1);
  expect(said).toContain('NOT PROVED: ');
  expect(said).toContain(says);
});

test('by another key than the one that was published it is none', async () => {
  const { code, said } = await verified([proof], '--key', 'ab'.repeat(32));
  expect(code).toBe(1);
  expect(said).toContain(`the seal is signed with ${KEY.publicKey}`);
});

test('the script is short, and needs nothing but Node', async () => {
  const source = await readFile(SCRIPT, 'utf8');
  expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(100);
  for (const [, imported] of source.matchAll(/from '([^']+)'/g)) expect(imported).toMatch(/^node:/);
});

test('operators are told of all seals with their totals, and how old the newest is', async () => {
  const { body } = await api.call<{ seals: { number: number; totals: object[] }[]; next: null }>(
    'GET',
    '/v1/operator/seals',
    { bearer: api.operatorToken },
  );
  expect(body.next).toBeNull();
  expect(body.seals).toMatchObject([{ ...proof.seal, books: proof.leaf_count }]);
  const trial = await api.ledger.trialBalance(api.now - HOUR);
  expect(body.seals[0]?.totals).toEqual(
    trial.map(({ account, balance }) => ({ account, balance: String(balance) })),
  );
  const { text } = await api.call('GET', '/metrics', { bearer: api.operatorToken });
  expect(text).toMatch(/^credits_seal_age_seconds 3600$/m);
});
