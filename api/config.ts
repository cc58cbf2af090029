/** The only reader of the environment. What is missing or does not fit is said in one line each. */
import { isIP } from 'node:net';
import { getAddress, isAddress } from 'viem';
import { type HoldLimits, type ListedSender, type Mode, readSealKey } from '../ledger/index.ts';
import { type CardConfig, readCardConfig } from './card-config.ts';
import { type DoorConfig, readDoorConfig } from './door-config.ts';
import { readHoldConfig } from './hold-config.ts';
import { readInteger } from './read-integer.ts';
import { readSecret, SECRET_VARIABLES } from './secret-files.ts';
import { readSenderList } from './sender-list.ts';
import { readWalletConnectConfig, type WalletConnectConfig } from './wallet-connect-config.ts';

/** The payment address of the mission; live installations must name theirs. */
export const DEFAULT_PAYMENT_ADDRESS = '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689';

export type PartName = 'api' | 'worker' | 'indexer' | 'migrate';

export interface Config {
  readonly mode: Mode;
  readonly databaseUrl: string;
  readonly rpcUrl: string;
  /** Further RPCs, by others, that must agree with the first before anything is credited or taken back. */
  readonly otherRpcUrls: readonly string[];
  /** With its checksum (EIP-55). */
  readonly paymentAddress: `0x${string}`;
  /** Where buyers reach the API, without a slash at the end. */
  readonly publicUrl: string;
  /** The addresses and subnets of the proxies in front of the API, whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly indexer: {
    /** The first block it looks at, which the worker must know too. */
    readonly startBlock: number;
    readonly pollingIntervalMs: number;
    readonly port: number;
    readonly logFile: string | undefined;
  };
  /** What the operator knows of senders, beside those that everybody knows; for the parts that judge payments. */
  readonly senders: { readonly pooled: readonly ListedSender[]; readonly blocked: readonly ListedSender[] };
  /** Null: there are no card payments. */
  readonly cards: CardConfig | null;
  /** Null: WalletConnect is not offered. */
  readonly walletConnect: WalletConnectConfig | null;
  /** The chain that the development wallet is of. Null in live: there is no such wallet. */
  readonly developmentWalletRpcUrl: string | null;
  /** The Ed25519 key in PEM that signs the daily seals of the worker. Null: none are made. */
  readonly sealKey: string | null;
  /** How many may ask how often, and what is logged of it. */
  readonly doors: DoorConfig;
  /** How many holds may be open, and for how long. */
  readonly holdLimits: HoldLimits;
}

/** The environment does not describe something that can be started. Each line names a variable and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration of `part` out of `environment` (see .env.example).
 * Throws ConfigError with everything that is wrong, not only the first thing.
 */
export function readConfig(environment: Environment, part: PartName): Config {
  const problems: string[] = [];
  const given = (name: string) => environment[name]?.trim() || undefined;
  const secrets = new Map(SECRET_VARIABLES.map(name => [name as string, readSecret(name, given, problems)]));
  const get = (name: string) => (secrets.has(name) ? secrets.get(name) : given(name));

  const mode = readMode(get('MODE'), problems);
  const databaseUrl = readDatabaseUrl(get('DATABASE_URL'), mode, problems);
  const rpcUrl = readRpcUrl('BASE_RPC_URL', get('BASE_RPC_URL'), mode, problems);
  const otherRpcUrls = readOtherRpcUrls(get('BASE_RPC_URLS_OTHER'), { mode, rpcUrl }, problems);
  const paymentAddress = readAddress(get('PAYMENT_ADDRESS'), mode, problems);
  const port = readInteger('PORT', get('PORT'), 3000, { min: 1, max: 65_535 }, problems);
  const host = readHost(get('HOST'), mode, problems);
  const publicUrl = readPublicUrl(get('PUBLIC_URL'), { mode, part, port }, problems);
  const trustedProxies = readProxies(get('TRUSTED_PROXIES'), problems);
  const judgesPayments = part === 'api' || part === 'worker';
  const sendersOf = (name: string) => {
    const file = get(name);
    return file === undefined || !judgesPayments ? [] : readSenderList(name, file, problems);
  };
  const senders = {
    pooled: sendersOf('POOLED_SENDERS_FILE'),
    blocked: sendersOf('BLOCKED_SENDERS_FILE'),
  };
  const cards = readCardConfig(get, mode, problems);
  const walletConnect = readWalletConnectConfig(get, mode, problems);
  const sealKey = readSealKeyText(get('SEAL_KEY'), problems);
  const doors = readDoorConfig(get, problems);
  const holdLimits = readHoldConfig(get, problems);
  const startBlock = readStartBlock(get('INDEXER_START_BLOCK'), { mode, part }, problems);
  const pollingIntervalMs = readInteger(
    'INDEXER_POLLING_INTERVAL_MS',
    get('INDEXER_POLLING_INTERVAL_MS'),
    500,
    { min: 100, max: 60_000 },
    problems,
  );
  const indexerPort = readInteger(
    'INDEXER_PORT',
    get('INDEXER_PORT'),
    42_069,
    { min: 1, max: 65_535 },
    problems,
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    mode,
    databaseUrl,
    rpcUrl,
    otherRpcUrls,
    paymentAddress,
    publicUrl,
    trustedProxies,
    host,
    port,
    indexer: { startBlock, pollingIntervalMs, port: indexerPort, logFile: get('INDEXER_LOG_FILE') },
    senders,
    cards,
    walletConnect,
    developmentWalletRpcUrl: mode === 'dev' ? rpcUrl : null,
    sealKey,
    doors,
    holdLimits,
  };
}

function readMode(value: string | undefined, problems: string[]): Mode {
  if (value === 'dev' || value === 'live') return value;
  problems.push(
    value === undefined
      ? 'MODE is not set: set it to live, or run `npm start` for a development stack.'
      : `MODE is "${value}": set it to dev or live.`,
  );
  return 'live';
}

function readDatabaseUrl(value: string | undefined, mode: Mode, problems: string[]): string {
  const name = 'DATABASE_URL';
  const url = readUrl(name, value, ['postgres:', 'postgresql:'], problems);
  if (url && mode === 'dev' && !isLoopback(url.hostname))
    problems.push(`${name} is not on this machine: dev works on a local database only.`);
  return value ?? '';
}

function readRpcUrl(name: string, value: string | undefined, mode: Mode, problems: string[]): string {
  const url = readUrl(name, value, ['http:', 'https:'], problems);
  if (url && mode === 'dev' && !isLoopback(url.hostname))
    problems.push(`${name} is not on this machine: dev works on a local chain only.`);
  return value ?? '';
}

function readOtherRpcUrls(
  value: string | undefined,
  { mode, rpcUrl }: { mode: Mode; rpcUrl: string },
  problems: string[],
): string[] {
  const name = 'BASE_RPC_URLS_OTHER';
  const urls = (value ?? '').split(',').flatMap(url => url.trim() || []);
  for (const url of urls) readRpcUrl(name, url, mode, problems);
  // Two names for one node agree whatever it says.
  const hrefs = [rpcUrl, ...urls].map(url => URL.parse(url)?.href ?? url);
  if (new Set(hrefs).size < hrefs.length)
    problems.push(`${name} names an RPC twice, or that of BASE_RPC_URL: only another one can check it.`);
  return urls;
}

function readUrl(
  name: string,
  value: string | undefined,
  protocols: readonly string[],
  problems: string[],
): URL | null {
  if (value === undefined) {
    problems.push(`${name} is not set: set it to a URL that begins with ${protocols[0]}//.`);
    return null;
  }
  const url = URL.parse(value);
  // The value may hold a password: it is never repeated.
  if (url && protocols.includes(url.protocol)) return url;
  problems.push(`${name} is not a URL that begins with ${protocols[0]}//: correct it.`);
  return null;
}

function readAddress(value: string | undefined, mode: Mode, problems: string[]): `0x${string}` {
  if (value === undefined) {
    if (mode === 'live')
      problems.push('PAYMENT_ADDRESS is not set: set it to the address that buyers shall pay to.');
    return DEFAULT_PAYMENT_ADDRESS;
  }
  // Mixed case must have the right checksum; without one there is nothing to check.
  if (isAddress(value)) return getAddress(value);
  problems.push(
    `PAYMENT_ADDRESS is "${value}": set it to 0x and 40 hexadecimal digits, with its checksum as your wallet shows it.`,
  );
  return DEFAULT_PAYMENT_ADDRESS;
}

function readHost(value: string | undefined, mode: Mode, problems: string[]): string {
  if (value === undefined) return '127.0.0.1';
  if (mode === 'dev' && !isLoopback(value))
    problems.push(
      `HOST is "${value}": dev listens on 127.0.0.1 only, as everybody can pay there for nothing.`,
    );
  return value;
}

function readPublicUrl(
  value: string | undefined,
  { mode, part, port }: { mode: Mode; part: PartName; port: number },
  problems: string[],
): string {
  if (value === undefined) {
    if (mode === 'live' && part === 'api')
      problems.push('PUBLIC_URL is not set: set it to the https address at which buyers reach the API.');
    return `http://127.0.0.1:${port}`;
  }
  const url = URL.parse(value);
  if (url && (url.username !== '' || url.password !== '')) {
    problems.push(
      'PUBLIC_URL has a user or a password in it: everybody is shown this address, leave them out.',
    );
    return '';
  }
  const isRoot = url !== null && url.pathname === '/' && url.search === '' && url.hash === '';
  if (!isRoot || (mode === 'live' ? url.protocol !== 'https:' : !/^https?:$/.test(url.protocol))) {
    problems.push(
      `PUBLIC_URL is "${value}": set it to an address such as https://credits.example.com, without a path.`,
    );
    return '';
  }
  if (mode === 'dev' && !isLoopback(url.hostname))
    problems.push(`PUBLIC_URL is "${value}": dev is reached on this machine only.`);
  return url.origin;
}

function readSealKeyText(value: string | undefined, problems: string[]): string | null {
  if (value === undefined) return null;
  try {
    readSealKey(value);
    return value;
  } catch {
    problems.push('SEAL_KEY is no Ed25519 key in PEM: make one with `npx credits seal keygen --out FILE`.');
    return null;
  }
}

function readProxies(value: string | undefined, problems: string[]): readonly string[] {
  const proxies = value?.split(',').map(item => item.trim()) ?? [];
  if (!proxies.every(isAddressOrSubnet))
    problems.push(
      `TRUSTED_PROXIES is "${value}": set it to IP addresses or subnets such as 10.0.0.0/8, with commas between them.`,
    );
  return proxies;
}

function isAddressOrSubnet(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return (
    prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
  );
}

function readStartBlock(
  value: string | undefined,
  { mode, part }: { mode: Mode; part: PartName },
  problems: string[],
): number {
  if (value === undefined && mode === 'live' && (part === 'indexer' || part === 'worker'))
    problems.push(
      'INDEXER_START_BLOCK is not set: set it to a block before the first payment, such as the newest one now.',
    );
  const range = { min: 0, max: Number.MAX_SAFE_INTEGER };
  return readInteger('INDEXER_START_BLOCK', value, 0, range, problems);
}

function isLoopback(hostname: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/.test(hostname);
}
