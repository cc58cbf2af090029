/**
 * Test vectors of the sealed encoding. Whoever verifies the journal with a program of their own must get these very
 * texts and hashes; a change here breaks every chain that exists, so it may only be an addition of a new version.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodeEntry } from '../../../ledger/core/encoding.ts';
import type { Entry } from '../../../ledger/core/journal.ts';
import { hashEntry, sealEntries } from '../../../ledger/posting/seal.ts';

interface Vector {
  readonly title: string;
  readonly book: string;
  readonly entry: Entry;
  /** Hex of the hash of the entry before it. */
  readonly previous: string;
  readonly text: string;
  readonly hash: string;
}

const purchase: Entry = {
  seq: 1n,
  kind: 'purchase',
  effectiveAt: 1_772_377_200_000_000n,
  bookedAt: 1_772_377_201_500_001n,
  command: {
    serviceId: 0,
    keyNumber: null,
    keyDigest: '00112233445566778899aabbccddeeff',
    payloadDigest: 'ffeeddccbbaa99887766554433221100',
  },
  amountMicrocredits: 10_000_000_000n,
  details: '{"receipt":"eth:8453:0x01:0"}',
  postings: [
    {
      from: 'USD:deferred_revenue',
      to: 'USD:clearing',
      amount: 1_000_000n,
      lot: {
        id: 1n,
        availableMicrocredits: 10_000_000_000n,
        heldMicrocredits: 0n,
        unreleasedMicrocredits: 0n,
      },
    },
    {
      from: 'CREDIT:issued',
      to: 'CREDIT:available',
      amount: 10_000_000_000n,
      lot: {
        id: 1n,
        availableMicrocredits: 10_000_000_000n,
        heldMicrocredits: 0n,
        unreleasedMicrocredits: 0n,
      },
    },
  ],
  availableAfterMicrocredits: 10_000_000_000n,
  heldAfterMicrocredits: 0n,
  debtAfterMicrocredits: 0n,
};

const debit: Entry = {
  seq: 2n,
  kind: 'debit',
  effectiveAt: 1_772_380_800_000_000n,
  bookedAt: 1_772_380_800_000_000n,
  command: {
    serviceId: 7,
    keyNumber: 1,
    keyDigest: '0f0e0d0c0b0a09080706050403020100',
    payloadDigest: '000102030405060708090a0b0c0d0e0f',
  },
  amountMicrocredits: 1_500_000n,
  // 2, 3 and 4 bytes to a character; lengths are in bytes.
  details: '{"description":"Zürich, 東京 🚀"}',
  postings: [
    {
      from: 'CREDIT:available',
      to: 'CREDIT:consumed',
      amount: 1_500_000n,
      lot: {
        id: 1n,
        availableMicrocredits: 9_998_500_000n,
        heldMicrocredits: 0n,
        unreleasedMicrocredits: 0n,
      },
    },
  ],
  availableAfterMicrocredits: 9_998_500_000n,
  heldAfterMicrocredits: 0n,
  debtAfterMicrocredits: 0n,
};

const renewal: Entry = {
  seq: 3n,
  kind: 'renewal',
  effectiveAt: 1_772_409_600_000_000n,
  bookedAt: 1_772_409_600_000_000n,
  command: null,
  amountMicrocredits: 1_500_000n,
  details: null,
  postings: [
    {
      from: 'CREDIT:renewed',
      to: 'CREDIT:available',
      amount: 1_500_000n,
      lot: {
        id: 1n,
        availableMicrocredits: 10_000_000_000n,
        heldMicrocredits: 0n,
        unreleasedMicrocredits: 0n,
      },
    },
  ],
  availableAfterMicrocredits: 10_000_000_000n,
  heldAfterMicrocredits: 0n,
  debtAfterMicrocredits: 0n,
};

const receipt: Entry = {
  seq: 41n,
  kind: 'receipt',
  effectiveAt: 1_772_377_200_000_000n,
  bookedAt: 1_772_377_201_000_000n,
  command: {
    serviceId: 0,
    keyNumber: null,
    keyDigest: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    payloadDigest: 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
  },
  amountMicrocredits: 0n,
  details: '{"receipt":"eth:8453:0x01:0","version":1}',
  postings: [
    {
      from: 'ETH:suspense',
      to: 'ETH:treasury:8453:0xa7f3ad0e69f61864092fabba6cee00af6e584689',
      amount: 10_000_000_000_000_000_001n,
      lot: null,
    },
  ],
  availableAfterMicrocredits: 0n,
  heldAfterMicrocredits: 0n,
  debtAfterMicrocredits: 0n,
};

const genesis = '00'.repeat(32);

const vectors: readonly Vector[] = [
  {
    title: 'the first entry of a book: behind 32 zero bytes, asked for by this system with no Secure Key',
    book: 'acct_0123456789abcdef',
    entry: purchase,
    previous: genesis,
    text:
      '23:aispace-credits/entry/1,21:acct_0123456789abcdef,1:1,8:purchase,16:177237720000000' +
      '0,16:1772377201500001,1:0,0:,32:00112233445566778899aabbccddeeff,32:ffeeddccbbaa99887' +
      '766554433221100,11:10000000000,29:{"receipt":"eth:8453:0x01:0"},11:10000000000,1:0,1:' +
      '0,1:2,20:USD:deferred_revenue,12:USD:clearing,7:1000000,1:1,11:10000000000,1:0,1:0,13' +
      ':CREDIT:issued,16:CREDIT:available,11:10000000000,1:1,11:10000000000,1:0,1:0,',
    hash: '9d6d258621c9db851be1e4a21d71911606c289442886799e10a992d064bc450d',
  },
  {
    title: 'details beyond ASCII: lengths count bytes',
    book: 'acct_0123456789abcdef',
    entry: debit,
    previous: '9d6d258621c9db851be1e4a21d71911606c289442886799e10a992d064bc450d',
    text:
      '23:aispace-credits/entry/1,21:acct_0123456789abcdef,1:2,5:debit,16:1772380800000000,1' +
      '6:1772380800000000,1:7,1:1,32:0f0e0d0c0b0a09080706050403020100,32:0001020304050607080' +
      '90a0b0c0d0e0f,7:1500000,38:{"description":"Zürich, 東京 🚀"},10:9998500000,1:0,1:0,1:1,1' +
      '6:CREDIT:available,15:CREDIT:consumed,7:1500000,1:1,10:9998500000,1:0,1:0,',
    hash: 'd1cb0601a37013248b49d5fa491bbd668e42c6d47afa6d30717f825158f131b4',
  },
  {
    title: 'what time alone made due: nobody asked, no details',
    book: 'acct_0123456789abcdef',
    entry: renewal,
    previous: 'd1cb0601a37013248b49d5fa491bbd668e42c6d47afa6d30717f825158f131b4',
    text:
      '23:aispace-credits/entry/1,21:acct_0123456789abcdef,1:3,7:renewal,16:1772409600000000' +
      ',16:1772409600000000,0:,0:,0:,0:,7:1500000,0:,11:10000000000,1:0,1:0,1:1,14:CREDIT:re' +
      'newed,16:CREDIT:available,7:1500000,1:1,11:10000000000,1:0,1:0,',
    hash: '7a4de9c24e316cc32cd8d2a3df6dc037e85e1cee99c8076ff044df816aa692ec',
  },
  {
    title: 'a system book: wei beyond 64 bits, and no lot',
    book: 'system_5',
    entry: receipt,
    previous: genesis,
    text:
      '23:aispace-credits/entry/1,8:system_5,2:41,7:receipt,16:1772377200000000,16:177237720' +
      '1000000,1:0,0:,32:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,32:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' +
      'b,1:0,41:{"receipt":"eth:8453:0x01:0","version":1},1:0,1:0,1:0,1:1,12:ETH:suspense,60' +
      ':ETH:treasury:8453:0xa7f3ad0e69f61864092fabba6cee00af6e584689,20:10000000000000000001' +
      ',0:,0:,0:,0:,',
    hash: 'bc035aa5f4f3ae96020d2ded64e0b2c196e684224d90547cfcc92ee25f584b73',
  },
];

test.each(vectors)('$title', ({ book, entry, previous, text, hash }) => {
  expect(encodeEntry(book, entry)).toBe(text);
  expect(hashEntry(Buffer.from(previous, 'hex'), book, entry).toString('hex')).toBe(hash);
  // The same without any of our code.
  expect(createHash('sha256').update(previous, 'hex').update(text).digest('hex')).toBe(hash);
});

test('a chain is each hash behind the one before it', () => {
  const { head, sealed } = sealEntries(new Uint8Array(32), 'acct_0123456789abcdef', [
    purchase,
    debit,
    renewal,
  ]);
  expect(sealed.map(({ hash }) => Buffer.from(hash).toString('hex'))).toEqual(
    vectors.slice(0, 3).map(({ hash }) => hash),
  );
  expect(Buffer.from(head).toString('hex')).toBe(vectors[2]?.hash);
});

test('the text can be read back: netstrings, the version first, nothing before, between or after them', () => {
  for (const { text, book } of vectors) {
    const fields = readNetstrings(Buffer.from(text));
    expect(fields.slice(0, 2)).toEqual(['aispace-credits/entry/1', book]);
    const postings = Number(fields[15]);
    expect(fields).toHaveLength(16 + 7 * postings);
  }
});

describe('any change to any field of an entry changes its text', () => {
  const base = encodeEntry('acct_0123456789abcdef', debit);
  const changed: [string, Entry][] = [
    ...Object.entries(debit).flatMap(([field, value]) =>
      changesOf(value).map((other): [string, Entry] => [field, { ...debit, [field]: other } as Entry]),
    ),
    ...Object.entries(debit.command ?? {}).flatMap(([field, value]) =>
      changesOf(value).map((other): [string, Entry] => [
        `command.${field}`,
        { ...debit, command: { ...debit.command, [field]: other } } as Entry,
      ]),
    ),
    ['command', { ...debit, command: null }],
    ['postings', { ...debit, postings: [] }],
    ['postings', { ...debit, postings: [...debit.postings, ...debit.postings] }],
    ...debit.postings.flatMap(posting => [
      ...Object.entries(posting).flatMap(([field, value]) =>
        changesOf(value).map((other): [string, Entry] => [
          `posting.${field}`,
          { ...debit, postings: [{ ...posting, [field]: other }] } as Entry,
        ]),
      ),
      ...Object.entries(posting.lot ?? {}).flatMap(([field, value]) =>
        changesOf(value).map((other): [string, Entry] => [
          `lot.${field}`,
          { ...debit, postings: [{ ...posting, lot: { ...posting.lot, [field]: other } }] } as Entry,
        ]),
      ),
    ]),
  ];

  test('every field is among those that are changed', () => {
    const names = new Set(changed.map(([name]) => name));
    expect([...names].sort()).toEqual(
      [
        ...Object.keys(debit),
        ...Object.keys(debit.command ?? {}).map(field => `command.${field}`),
        ...Object.keys(debit.postings[0] ?? {}).map(field => `posting.${field}`),
        ...Object.keys(debit.postings[0]?.lot ?? {}).map(field => `lot.${field}`),
      ].sort(),
    );
  });

  test.each(changed)('%s', (_, entry) => {
    expect(encodeEntry('acct_0123456789abcdef', entry)).not.toBe(base);
  });

  test('the name of the book', () => {
    expect(encodeEntry('acct_0123456789abcdee', debit)).not.toBe(base);
  });

  test('no two of all these texts are the same', () => {
    const texts = changed.map(([, entry]) => encodeEntry('acct_0123456789abcdef', entry));
    const distinct = new Set(changed.map(([, entry]) => textOf(entry)));
    expect(new Set(texts).size).toBe(distinct.size);
  });
});

/** Other values in the place of `value`; what is nested is changed by itself. */
function changesOf(value: unknown): unknown[] {
  if (typeof value === 'bigint') return [value + 1n, value * 10n + 1n];
  if (typeof value === 'number') return [value + 1, null];
  if (typeof value === 'string') return [`${value}0`, value.slice(0, -1), `${value.slice(0, -1)}~`];
  return value !== null && typeof value === 'object' && 'id' in value ? [null] : [];
}

function textOf(entry: Entry): string {
  return JSON.stringify(entry, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

function readNetstrings(bytes: Buffer): string[] {
  const fields: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const colon = bytes.indexOf(':', at);
    const end = colon + 1 + Number(bytes.subarray(at, colon).toString());
    if (colon < 0 || bytes[end] !== ','.charCodeAt(0)) throw new Error(`no netstring at byte ${at}`);
    fields.push(bytes.subarray(colon + 1, end).toString());
    at = end + 1;
  }
  return fields;
}
