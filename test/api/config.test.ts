/** Each rule of the configuration: an environment, and what is said about it. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, type PartName, readConfig } from '../../api/config.ts';
import { SECRET_VARIABLES } from '../../api/secret-files.ts';
import { generateSealKey } from '../../ledger/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const ADDRESS = '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689';

const LIVE: Environment = {
  MODE: 'live',
  DATABASE_URL: 'postgres://app:hunter2@db.internal/credits',
  BASE_RPC_URL: 'https://base.example/v2/s3cr3t',
  PAYMENT_ADDRESS: ADDRESS,
  PUBLIC_URL: 'https://credits.example.com',
  INDEXER_START_BLOCK: '38000000',
};
const DEV: Environment = {
  MODE: 'dev',
  DATABASE_URL: 'postgres://app:hunter2@127.0.0.1/credits',
  BASE_RPC_URL: 'http://127.0.0.1:8545',
};

/** What is said of the environment, a line a problem; nothing when it is fine. */
function problemsOf(environment: Environment, part: PartName = 'api'): string[] {
  try {
    readConfig(environment, part);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split('\n');
  }
}

describe('readConfig', () => {
  it('reads a live environment', () => {
    expect(readConfig(LIVE, 'api')).toEqual({
      mode: 'live',
      databaseUrl: LIVE.DATABASE_URL,
      rpcUrl: LIVE.BASE_RPC_URL,
      otherRpcUrls: [],
      paymentAddress: ADDRESS,
      publicUrl: 'https://credits.example.com',
      trustedProxies: [],
      host: '127.0.0.1',
      port: 3000,
      indexer: { startBlock: 38_000_000, pollingIntervalMs: 500, port: 42_069, logFile: undefined },
      senders: { pooled: [], blocked: [] },
      cards: null,
      walletConnect: null,
      developmentWalletRpcUrl: null,
      sealKey: null,
      doors: {
        rateLimits: { anonymous: 30, network: 600, key: 600, service: 600_000, failures: 20 },
        requestsInFlightMax: 5_000,
        loggedRequests: 'all',
      },
      holdLimits: { ofAccount: 1000, ofService: 100, life: 86_400_000_000n },
    });
  });

  it('reads a development environment, with the address of the mission', () => {
    expect(readConfig({ ...DEV, PORT: '4000', STRIPE_SECRET_KEY: 'sk_test_x' }, 'api')).toMatchObject({
      mode: 'dev',
      paymentAddress: ADDRESS,
      publicUrl: 'http://127.0.0.1:4000',
      host: '127.0.0.1',
      port: 4000,
      cards: { secretKey: 'sk_test_x', webhookSecret: null, apiUrl: undefined },
      developmentWalletRpcUrl: DEV.BASE_RPC_URL,
    });
  });

  it('reads the project of WalletConnect, and a relay of its own', () => {
    const projectId = '0123456789abcdef0123456789abcdef';
    const environment = { ...LIVE, WALLETCONNECT_PROJECT_ID: projectId };
    expect(readConfig(environment, 'api').walletConnect).toEqual({
      projectId,
      relayUrl: 'wss://relay.walletconnect.org',
    });
    const relayUrl = 'wss://relay.example';
    expect(readConfig({ ...environment, WALLETCONNECT_RELAY_URL: relayUrl }, 'api').walletConnect).toEqual({
      projectId,
      relayUrl,
    });
    const local = {
      ...DEV,
      WALLETCONNECT_PROJECT_ID: projectId,
      WALLETCONNECT_RELAY_URL: 'ws://127.0.0.1:1',
    };
    expect(readConfig(local, 'api').walletConnect).toEqual({ projectId, relayUrl: 'ws://127.0.0.1:1' });
  });

  it('reads further RPCs', () => {
    const urls = ['https://two.example/k3y', 'https://three.example/'];
    const environment = { ...LIVE, BASE_RPC_URLS_OTHER: ` ${urls.join(' , ')}, ` };
    expect(readConfig(environment, 'worker').otherRpcUrls).toEqual(urls);
  });

  it('names everything that live lacks at once', () => {
    expect(problemsOf({ MODE: 'live' }).map(line => line.split(' ')[0])).toEqual([
      'DATABASE_URL',
      'BASE_RPC_URL',
      'PAYMENT_ADDRESS',
      'PUBLIC_URL',
    ]);
  });

  it('takes an empty environment for live, which is the stricter one', () => {
    const [first, ...more] = problemsOf({});
    expect(first).toBe('MODE is not set: set it to live, or run `npm start` for a development stack.');
    expect(more).toHaveLength(4);
  });

  const fine: [string, PartName, Environment][] = [
    ['live on any host', 'api', { ...LIVE, HOST: '0.0.0.0' }],
    ['live without a public URL, for the worker', 'worker', { ...LIVE, PUBLIC_URL: undefined }],
    ['live without a first block, for the API', 'api', { ...LIVE, INDEXER_START_BLOCK: undefined }],
    ['dev without a first block', 'worker', DEV],
    [
      'live with a live key',
      'api',
      { ...LIVE, STRIPE_SECRET_KEY: 'sk_live_abc123', STRIPE_WEBHOOK_SECRET: 'whsec_x' },
    ],
    [
      'live with a restricted key',
      'api',
      { ...LIVE, STRIPE_SECRET_KEY: 'rk_live_abc123', STRIPE_WEBHOOK_SECRET: 'whsec_x' },
    ],
    ['an address without capitals', 'api', { ...LIVE, PAYMENT_ADDRESS: ADDRESS.toLowerCase() }],
    ['postgresql://', 'api', { ...LIVE, DATABASE_URL: 'postgresql://db/credits' }],
    ['a public port', 'api', { ...LIVE, PUBLIC_URL: 'https://credits.example.com:8443/' }],
    ['a proxy and a subnet of them', 'api', { ...LIVE, TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,fd00::/8' }],
    ['dev on IPv6', 'api', { ...DEV, DATABASE_URL: 'postgres://[::1]/c', HOST: '::1' }],
    ['dev on localhost', 'api', { ...DEV, PUBLIC_URL: 'http://localhost:3000', HOST: 'localhost' }],
    ['blanks around', 'api', { ...DEV, MODE: ' dev ', PORT: ' 3000 ' }],
    ['empty means unset', 'api', { ...DEV, PORT: '', STRIPE_SECRET_KEY: ' ', PAYMENT_ADDRESS: '' }],
  ];

  it.each(fine)('takes %s', (_what, part, environment) => {
    expect(problemsOf(environment, part)).toEqual([]);
  });

  const bad: [string, Environment, PartName, RegExp][] = [
    ['no MODE', { ...LIVE, MODE: undefined }, 'api', /^MODE is not set/],
    [
      'an unknown MODE',
      { ...LIVE, MODE: 'production' },
      'api',
      /^MODE is "production": set it to dev or live/,
    ],
    ['MODE in capitals', { ...LIVE, MODE: 'LIVE' }, 'api', /^MODE is "LIVE"/],
    ['no database', { ...LIVE, DATABASE_URL: undefined }, 'worker', /^DATABASE_URL is not set/],
    [
      'another database',
      { ...LIVE, DATABASE_URL: 'mysql://root:hunter2@db/x' },
      'worker',
      /^DATABASE_URL is not a URL/,
    ],
    ['no URL of a database', { ...LIVE, DATABASE_URL: 'hunter2' }, 'migrate', /^DATABASE_URL is not a URL/],
    [
      'dev on a distant database',
      { ...DEV, DATABASE_URL: 'postgres://a:hunter2@db/x' },
      'api',
      /^DATABASE_URL is not on this machine/,
    ],
    ['no RPC', { ...LIVE, BASE_RPC_URL: undefined }, 'worker', /^BASE_RPC_URL is not set/],
    [
      'a websocket',
      { ...LIVE, BASE_RPC_URL: 'wss://base.example/s3cr3t' },
      'api',
      /^BASE_RPC_URL is not a URL that begins with http/,
    ],
    [
      'dev on a distant chain',
      { ...DEV, BASE_RPC_URL: 'https://base.example/s3cr3t' },
      'api',
      /^BASE_RPC_URL is not on this machine/,
    ],
    [
      'dev on a name that looks near',
      { ...DEV, BASE_RPC_URL: 'http://127.0.0.1.evil.example/' },
      'api',
      /^BASE_RPC_URL is not on this machine/,
    ],
    [
      'a further RPC that is no URL',
      { ...LIVE, BASE_RPC_URLS_OTHER: 'https://two.example,s3cr3t' },
      'worker',
      /^BASE_RPC_URLS_OTHER is not a URL that begins with http/,
    ],
    [
      'dev with a further RPC far away',
      { ...DEV, BASE_RPC_URLS_OTHER: 'https://base.example/s3cr3t' },
      'worker',
      /^BASE_RPC_URLS_OTHER is not on this machine/,
    ],
    [
      'the same RPC once more',
      { ...DEV, BASE_RPC_URLS_OTHER: 'http://127.0.0.1:8545/' },
      'worker',
      /^BASE_RPC_URLS_OTHER names an RPC twice/,
    ],
    ['no address in live', { ...LIVE, PAYMENT_ADDRESS: undefined }, 'migrate', /^PAYMENT_ADDRESS is not set/],
    [
      'a wrong checksum',
      { ...LIVE, PAYMENT_ADDRESS: ADDRESS.replace('A7f3', 'a7f3') },
      'api',
      /^PAYMENT_ADDRESS is "0xa7f3/,
    ],
    ['a short address', { ...LIVE, PAYMENT_ADDRESS: ADDRESS.slice(0, -1) }, 'api', /^PAYMENT_ADDRESS is /],
    ['a name for an address', { ...DEV, PAYMENT_ADDRESS: 'pay.eth' }, 'api', /^PAYMENT_ADDRESS is "pay.eth"/],
    ['no public URL in live', { ...LIVE, PUBLIC_URL: undefined }, 'api', /^PUBLIC_URL is not set/],
    ['plain http in live', { ...LIVE, PUBLIC_URL: 'http://credits.example.com' }, 'api', /^PUBLIC_URL is /],
    [
      'a path',
      { ...LIVE, PUBLIC_URL: 'https://example.com/credits' },
      'api',
      /^PUBLIC_URL is .* without a path/,
    ],
    ['a query', { ...LIVE, PUBLIC_URL: 'https://example.com/?a=b' }, 'api', /^PUBLIC_URL is /],
    ['no URL at all', { ...LIVE, PUBLIC_URL: 'example.com' }, 'api', /^PUBLIC_URL is /],
    [
      'dev in public',
      { ...DEV, PUBLIC_URL: 'https://example.com' },
      'api',
      /^PUBLIC_URL is .*this machine only/,
    ],
    [
      'dev on every interface',
      { ...DEV, HOST: '0.0.0.0' },
      'api',
      /^HOST is "0.0.0.0": dev listens on 127.0.0.1 only/,
    ],
    ['dev on every interface of IPv6', { ...DEV, HOST: '::' }, 'worker', /^HOST is "::"/],
    ...['10.0.0.0/33', '10.0.0.0/0', 'true', '10.0.0.1,', 'fd00::/129', 'proxy.internal', '1'].map(
      (value): (typeof bad)[number] => [
        `no proxies: ${value}`,
        { ...LIVE, TRUSTED_PROXIES: value },
        'api',
        /^TRUSTED_PROXIES is ".*": set it to IP addresses or subnets/,
      ],
    ),
    [
      'a test key in live',
      { ...LIVE, STRIPE_SECRET_KEY: 'sk_test_s3cr3t', STRIPE_WEBHOOK_SECRET: 'whsec_x' },
      'api',
      /^STRIPE_SECRET_KEY is a test key/,
    ],
    [
      'a restricted test key in live',
      { ...LIVE, STRIPE_SECRET_KEY: 'rk_test_s3cr3t', STRIPE_WEBHOOK_SECRET: 'whsec_x' },
      'api',
      /^STRIPE_SECRET_KEY is a test key/,
    ],
    [
      'a live key in dev',
      { ...DEV, STRIPE_SECRET_KEY: 'sk_live_s3cr3t' },
      'api',
      /^STRIPE_SECRET_KEY is a live key/,
    ],
    [
      'a seal key that is none',
      { ...LIVE, SEAL_KEY: 's3cr3t' },
      'worker',
      /^SEAL_KEY is no Ed25519 key in PEM: make one/,
    ],
    [
      'a publishable key',
      { ...LIVE, STRIPE_SECRET_KEY: 'pk_live_s3cr3t', STRIPE_WEBHOOK_SECRET: 'whsec_x' },
      'api',
      /^STRIPE_SECRET_KEY is not a Stripe secret key/,
    ],
    [
      'a live key without the secret of its webhooks',
      { ...LIVE, STRIPE_SECRET_KEY: 'sk_live_s3cr3t' },
      'api',
      /^STRIPE_WEBHOOK_SECRET is not set/,
    ],
    [
      'the secret of webhooks without a key',
      { ...LIVE, STRIPE_WEBHOOK_SECRET: 'whsec_s3cr3t' },
      'worker',
      /^STRIPE_WEBHOOK_SECRET is set without STRIPE_SECRET_KEY/,
    ],
    [
      'another secret in its place',
      { ...DEV, STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_WEBHOOK_SECRET: 'sk_test_s3cr3t' },
      'api',
      /^STRIPE_WEBHOOK_SECRET is not a signing secret/,
    ],
    [
      "another API than Stripe's in live",
      {
        ...LIVE,
        STRIPE_SECRET_KEY: 'sk_live_x',
        STRIPE_WEBHOOK_SECRET: 'whsec_x',
        STRIPE_API_URL: 'http://127.0.0.1:1',
      },
      'api',
      /^STRIPE_API_URL is set: live asks/,
    ],
    [
      'an API elsewhere in dev',
      { ...DEV, STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_API_URL: 'https://evil.example' },
      'api',
      /^STRIPE_API_URL is not on this machine/,
    ],
    [
      'a port too high',
      { ...DEV, PORT: '65536' },
      'api',
      /^PORT is "65536": set it to a whole number from \d to 65535/,
    ],
    [
      'a project of WalletConnect that is none',
      { ...LIVE, WALLETCONNECT_PROJECT_ID: 's3cr3t' },
      'api',
      /^WALLETCONNECT_PROJECT_ID is not the id of a project/,
    ],
    [
      'a relay without encryption',
      { ...LIVE, WALLETCONNECT_RELAY_URL: 'ws://127.0.0.1:1' },
      'api',
      /^WALLETCONNECT_RELAY_URL is not an address that begins with wss/,
    ],
    [
      'a relay with a path, which the CSP could not name',
      { ...DEV, WALLETCONNECT_RELAY_URL: 'wss://relay.example/v2' },
      'api',
      /^WALLETCONNECT_RELAY_URL is not an address/,
    ],
    ['a port that is none', { ...DEV, PORT: '3e3' }, 'api', /^PORT is "3e3"/],
    // It would listen on a port that no Host header could name.
    ['any free port', { ...DEV, PORT: '0' }, 'api', /^PORT is "0"/],
    ['a negative port', { ...DEV, PORT: '-1' }, 'api', /^PORT is "-1"/],
    [
      'no first block in live',
      { ...LIVE, INDEXER_START_BLOCK: undefined },
      'indexer',
      /^INDEXER_START_BLOCK is not set/,
    ],
    [
      'no first block in live, which the balance begins with',
      { ...LIVE, INDEXER_START_BLOCK: undefined },
      'worker',
      /^INDEXER_START_BLOCK is not set/,
    ],
    [
      'a first block that is none',
      { ...LIVE, INDEXER_START_BLOCK: 'latest' },
      'indexer',
      /^INDEXER_START_BLOCK is "latest"/,
    ],
    [
      'polling too often',
      { ...DEV, INDEXER_POLLING_INTERVAL_MS: '49' },
      'indexer',
      /^INDEXER_POLLING_INTERVAL_MS is "49"/,
    ],
    ['no port for the indexer', { ...DEV, INDEXER_PORT: '0' }, 'indexer', /^INDEXER_PORT is "0"/],
  ];

  it.each(bad)('refuses %s', (_what, environment, part, line) => {
    const problems = problemsOf(environment, part);
    expect(problems).toEqual([expect.stringMatching(line)]);
    // One line that ends as a sentence, and tells what to do.
    expect(problems[0]).toMatch(/\.$/);
  });

  it('never repeats what may hold a secret', () => {
    const secret = 'S3cr3tS3cr3t';
    const url = (scheme: string) => `${scheme}://user:${secret}@credits.example.com/${secret}`;
    const environments: Environment[] = [
      ...['mysql', 'postgres', 'http', 'wss'].flatMap(scheme => [
        { ...DEV, DATABASE_URL: url(scheme) },
        { ...LIVE, DATABASE_URL: url(scheme) },
        { ...DEV, BASE_RPC_URL: url(scheme) },
        { ...LIVE, BASE_RPC_URL: url(scheme) },
      ]),
      { ...DEV, DATABASE_URL: secret },
      { ...DEV, BASE_RPC_URL: secret },
      ...['sk_live', 'sk_test', 'rk_live', 'rk_test', 'pk_live', 'whsec'].flatMap(kind => [
        { ...DEV, STRIPE_SECRET_KEY: `${kind}_${secret}` },
        { ...LIVE, STRIPE_SECRET_KEY: `${kind}_${secret}` },
        { ...DEV, STRIPE_WEBHOOK_SECRET: `${kind}_${secret}` },
        { ...DEV, STRIPE_API_URL: `${kind}_${secret}`, STRIPE_SECRET_KEY: 'sk_test_x' },
      ]),
    ];
    for (const environment of environments)
      expect(problemsOf(environment).join('\n'), JSON.stringify(environment)).not.toContain(secret);
  });

  it('refuses a public URL with a password in it, and does not repeat that either', () => {
    for (const environment of [LIVE, DEV]) {
      const problems = problemsOf({ ...environment, PUBLIC_URL: 'https://user:S3cr3t@localhost' });
      expect(problems).toHaveLength(1);
      expect(problems[0]).not.toContain('S3cr3t');
    }
  });
});

describe('secrets in files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credits-secrets-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function kept(content: string, mode = 0o600): Promise<string> {
    const path = join(folder, 'secret');
    await rm(path, { force: true });
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  const secrets = {
    ...{ DATABASE_URL: LIVE.DATABASE_URL, BASE_RPC_URL: LIVE.BASE_RPC_URL },
    BASE_RPC_URLS_OTHER: 'https://two.example/k3y',
    ...{ STRIPE_SECRET_KEY: 'sk_live_abc123', STRIPE_WEBHOOK_SECRET: 'whsec_x' },
    SEAL_KEY: generateSealKey(),
  };

  it.each(SECRET_VARIABLES)('%s is read out of its file', async name => {
    const environment = { ...LIVE, ...secrets };
    const path = await kept(`${secrets[name]}\n`);
    const byFile = { ...environment, [name]: undefined, [`${name}_FILE`]: path };
    expect(readConfig(byFile, 'worker')).toEqual(readConfig(environment, 'worker'));
  });

  const secret = 'postgres://app:hunter2@127.0.0.1/credits';
  const faults: [string, () => Promise<Environment>, RegExp[]][] = [
    [
      'both',
      async () => ({ DATABASE_URL: secret, DATABASE_URL_FILE: await kept(secret) }),
      [/^DATABASE_URL and DATABASE_URL_FILE are both set: keep one of them\.$/],
    ],
    [
      'a file that is not there',
      async () => ({ DATABASE_URL_FILE: '/nowhere/at/all' }),
      [
        /^DATABASE_URL_FILE names \/nowhere\/at\/all, which cannot be read \(ENOENT\)/,
        /^DATABASE_URL is not set/,
      ],
    ],
    [
      'a folder',
      async () => ({ DATABASE_URL_FILE: folder }),
      [/, which cannot be read \(EISDIR\)/, /^DATABASE_URL is not set/],
    ],
    [
      'an empty file',
      async () => ({ DATABASE_URL_FILE: await kept('\n') }),
      [/, which is empty: write the secret into it\.$/, /^DATABASE_URL is not set/],
    ],
    [
      'a file that everybody may read',
      async () => ({ DATABASE_URL_FILE: await kept(secret, 0o604) }),
      [/, which everybody on this machine may read or change: .* chmod o=/, /^DATABASE_URL is not set/],
    ],
    [
      'a file that everybody may change',
      async () => ({ DATABASE_URL_FILE: await kept(secret, 0o602) }),
      [/, which everybody on this machine may read or change/, /^DATABASE_URL is not set/],
    ],
    [
      'a file that is no secret',
      async () => ({ DATABASE_URL_FILE: await kept('x'.repeat(70_000)) }),
      [/, which is too large for a secret/, /^DATABASE_URL is not set/],
    ],
  ];
  it.each(faults)('are refused as %s', async (_what, given, lines) => {
    const problems = problemsOf({ ...DEV, DATABASE_URL: undefined, ...(await given()) });
    expect(problems).toEqual(lines.map(line => expect.stringMatching(line)));
    expect(problems.join('\n')).not.toContain('hunter2');
  });

  it('may be read by their group, as containers often have it', async () => {
    const path = await kept(secret, 0o640);
    expect(readConfig({ ...DEV, DATABASE_URL: undefined, DATABASE_URL_FILE: path }, 'api').databaseUrl).toBe(
      secret,
    );
  });
});

describe('lists of senders', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credits-senders-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function listed(content: string): Promise<string> {
    const path = join(folder, 'senders.json');
    await writeFile(path, content);
    return path;
  }

  it('are read out of the files that are named, for the parts that judge payments', async () => {
    const path = await listed(JSON.stringify([{ address: ADDRESS, name: 'an exchange' }]));
    const sender = { address: ADDRESS, name: 'an exchange' };
    for (const part of ['api', 'worker'] as const) {
      const sendersBy = (variable: string) => readConfig({ ...DEV, [variable]: path }, part).senders;
      expect(sendersBy('POOLED_SENDERS_FILE')).toEqual({ pooled: [sender], blocked: [] });
      expect(sendersBy('BLOCKED_SENDERS_FILE')).toEqual({ pooled: [], blocked: [sender] });
    }
    for (const part of ['migrate', 'indexer'] as const)
      expect(problemsOf({ ...DEV, POOLED_SENDERS_FILE: '/nowhere' }, part)).toEqual([]);
  });

  const entry = (change: object) => JSON.stringify([{ address: ADDRESS, name: 'fine' }, change]);
  const faults: [string, string | null, RegExp][] = [
    ['no file', null, /names \/nowhere\/at\/all, which cannot be read as JSON: make it an array of/],
    ['no JSON', '[', /which cannot be read as JSON/],
    ['no array', '{}', /which is no JSON array/],
    ['an entry that is none', '["0x"]', /entry 1 of \S+ Invalid input: expected object/],
    [
      'an address that is none',
      entry({ address: '0x12', name: 'x' }),
      /entry 2 of \S+, "address", must be an address/,
    ],
    [
      'a wrong checksum',
      entry({ address: ADDRESS.replace('A7f3', 'a7f3'), name: 'x' }),
      /entry 2 of \S+, "address", must be an address with its checksum/,
    ],
    ['no address', entry({ name: 'x' }), /entry 2 of \S+, "address", must be a string/],
    [
      'no name',
      entry({ address: ADDRESS }),
      /entry 2 of \S+, "name", must be a string that says whose it is/,
    ],
    ['an empty name', entry({ address: ADDRESS, name: '' }), /entry 2 of \S+, "name", must be one line/],
    [
      'a name of two lines',
      entry({ address: ADDRESS, name: 'a\nb' }),
      /entry 2 of \S+, "name", must be one line/,
    ],
    [
      'more than that',
      entry({ address: ADDRESS, name: 'x', more: 1 }),
      /entry 2 of \S+ Unrecognized key: "more"/,
    ],
  ];
  it.each(faults)('are refused with %s', async (_what, content, line) => {
    const path = content === null ? '/nowhere/at/all' : await listed(content);
    for (const variable of ['POOLED_SENDERS_FILE', 'BLOCKED_SENDERS_FILE']) {
      const problems = problemsOf({ ...DEV, [variable]: path }, 'worker');
      expect(problems).toEqual([expect.stringMatching(line)]);
      expect(problems[0]).toMatch(new RegExp(`^${variable}.*\\.$`));
    }
  });

  it('names every entry that is wrong', async () => {
    const path = await listed('[{"address": "0x1", "name": "a"}, {}, {"address": "x", "name": "b"}]');
    expect(problemsOf({ ...DEV, BLOCKED_SENDERS_FILE: path })).toHaveLength(3);
  });
});

describe('the limits of holds', () => {
  it('are taken as they are given', () => {
    const given = { HOLDS_PER_ACCOUNT_MAX: '10000', HOLDS_PER_SERVICE_MAX: '1', HOLD_SECONDS_MAX: '90' };
    expect(readConfig({ ...LIVE, ...given }, 'api').holdLimits).toEqual({
      ofAccount: 10_000,
      ofService: 1,
      life: 90_000_000n,
    });
  });

  it.each([
    ['HOLDS_PER_ACCOUNT_MAX', 10_000],
    ['HOLDS_PER_SERVICE_MAX', 10_000],
    // What the books allow at all.
    ['HOLD_SECONDS_MAX', 86_400],
  ])('%s is a whole number up to %d', (name, max) => {
    for (const value of ['0', '-1', '1.5', '1e3', `${max + 1}`, 'many', '007', '24h'])
      expect(problemsOf({ ...LIVE, [name]: value })).toEqual([
        `${name} is "${value}": set it to a whole number from 1 to ${max}.`,
      ]);
  });
});

describe('the limits of the doors', () => {
  it('are taken as they are given', () => {
    const given = {
      RATE_LIMIT_ANONYMOUS: '1',
      RATE_LIMIT_NETWORK: '2',
      RATE_LIMIT_KEY: '3',
      RATE_LIMIT_SERVICE: '1000000000',
      RATE_LIMIT_FAILURES: '5',
      REQUESTS_IN_FLIGHT_MAX: '6',
      LOG_REQUESTS: 'none',
    };
    expect(readConfig({ ...LIVE, ...given }, 'api').doors).toEqual({
      rateLimits: { anonymous: 1, network: 2, key: 3, service: 1_000_000_000, failures: 5 },
      requestsInFlightMax: 6,
      loggedRequests: 'none',
    });
  });

  it.each([
    'RATE_LIMIT_ANONYMOUS',
    'RATE_LIMIT_NETWORK',
    'RATE_LIMIT_KEY',
    'RATE_LIMIT_SERVICE',
    'RATE_LIMIT_FAILURES',
    'REQUESTS_IN_FLIGHT_MAX',
  ])('%s is a whole number that lets somebody in', name => {
    for (const value of ['0', '-1', '1.5', '1e3', '1000000001', 'many', '007'])
      expect(problemsOf({ ...LIVE, [name]: value })).toEqual([
        `${name} is "${value}": set it to a whole number from 1 to 1000000000.`,
      ]);
  });

  it('LOG_REQUESTS is one of three', () => {
    expect(problemsOf({ ...LIVE, LOG_REQUESTS: 'some' })).toEqual([
      'LOG_REQUESTS is "some": set it to all, problems, none.',
    ]);
  });
});
