/**
 * Faults for a way to the chain, drawn from a seed: what an RPC does to a question depends on the seed, on the RPC's
 * name, on what is asked about which place of the chain, and on how often that was asked before. It does not depend on
 * the time, nor on what is asked in between. What no seed decides is how often something is asked: who polls on a slow
 * machine asks more often about the same block. So of each question only the first few answers are faulty.
 */
import { createHash } from 'node:crypto';
import { falsifyTraces, type TraceLie, withFields } from './falsehoods.ts';
import { type Fault, type FaultyRpc, NO_FAULT, type RpcCall } from './faulty-rpc.ts';
import { randomFrom } from './random-from.ts';

/** What may happen to an answer. */
export const TRANSPORT_FAULTS = ['drop', 'delay', 'reorder', 'truncate', '429', '500', 'error'] as const;
export const CONTENT_FAULTS = ['null', 'past', 'false'] as const;
export type FaultName = (typeof TRANSPORT_FAULTS)[number] | (typeof CONTENT_FAULTS)[number];

export interface SeededFaultsOptions {
  readonly seed: number;
  /** Whose faults they are: of one seed, different RPCs have different ones. */
  readonly name: string;
  /** Places are counted from this block, so that it does not matter what was on the chain before. */
  readonly originBlock: bigint;
  /** The chain itself, which is asked where a transaction or a block is. */
  readonly chainUrl: string;
  /** Lower case. */
  readonly paymentAddress: string;
  /** How probable a fault is, of 1. */
  readonly rate: number;
  /** Which faults there are, for each question. */
  readonly faultsOf: (method: string) => readonly FaultName[];
  /** Of each question so many answers may be faulty. */
  readonly faultyAnswersMax: number;
}

export interface SeededFaults {
  readonly fault: FaultyRpc['fault'];
  /** What was drawn so far, in the order of the questions: `name method place #n: fault`. */
  readonly drawn: readonly string[];
}

export function seededFaults(options: SeededFaultsOptions): SeededFaults {
  const { seed, name, rate, faultsOf, faultyAnswersMax } = options;
  const drawn: string[] = [];
  const asked = new Map<string, number>();
  return {
    drawn,
    async fault(call) {
      const question = `${name} ${call.method} ${await placeOf(call, options)}`;
      const count = asked.get(question) ?? 0;
      asked.set(question, count + 1);
      const possible = faultsOf(call.method);
      if (count >= faultyAnswersMax || possible.length === 0) return NO_FAULT;
      const random = randomFrom(numberOf(`${seed} ${question} ${count}`));
      if (random() >= rate) return NO_FAULT;
      const chosen = pick(possible, random);
      const fault = faultOf(chosen, call, random, options.paymentAddress);
      if (fault.kind !== 'none') drawn.push(`${question} #${count}: ${chosen}`);
      return fault;
    },
  };
}

function faultOf(name: FaultName, call: RpcCall, random: () => number, paymentAddress: string): Fault {
  switch (name) {
    case 'drop':
    case 'reorder':
    case 'truncate':
      return { kind: name };
    case 'delay':
      return { kind: 'delay', ms: 5 + Math.floor(random() * 60) };
    case '429':
    case '500':
      return { kind: 'status', status: Number(name) };
    case 'error':
      return { kind: 'error', code: -32000, message: 'header not found' };
    case 'null':
      return { kind: 'result', of: () => null };
    case 'past':
      return fromThePast(call, random);
    case 'false':
      return falsified(call, random, paymentAddress);
  }
}

/** The answer of a node that is some blocks behind. */
function fromThePast({ method, params }: RpcCall, random: () => number): Fault {
  const behind = 1n + BigInt(Math.floor(random() * 6));
  if (method === 'eth_blockNumber')
    return { kind: 'result', of: head => toHex(lessOrZero(BigInt(String(head)), behind)) };
  const height = params.findIndex(param => typeof param === 'string' && /^0x[0-9a-f]{1,16}$/i.test(param));
  if (height >= 0) {
    const older = toHex(lessOrZero(BigInt(String(params[height])), behind));
    return { kind: 'instead', ask: { method, params: params.with(height, older) } };
  }
  if (method === 'eth_getBlockByNumber')
    return { kind: 'instead', ask: { method, params: ['0x1', params[1]] } };
  // A node that is behind does not know the transaction or the block yet.
  return { kind: 'result', of: () => null };
}

function falsified({ method, params }: RpcCall, random: () => number, paymentAddress: string): Fault {
  const hash = `0x${createHash('sha256').update(String(random())).digest('hex')}`;
  const result = (of: (honest: unknown) => unknown): Fault => ({ kind: 'result', of });
  switch (method) {
    case 'debug_traceBlockByNumber':
    case 'debug_traceBlockByHash':
    case 'debug_traceTransaction': {
      const lie = traceLie(random);
      return result(honest => falsifyTraces(honest, lie, paymentAddress));
    }
    case 'eth_getBlockByNumber':
      // A tag that lies is too new or too old.
      if (params[0] === 'safe' || params[0] === 'finalized')
        return { kind: 'instead', ask: { method, params: [pick(['latest', '0x1'], random), params[1]] } };
      return result(block =>
        pick([() => withFields(block, { hash }), () => withFields(block, { number: '0x3' })], random)(),
      );
    case 'eth_getBlockByHash':
      return result(block => withFields(block, { hash }));
    case 'eth_getTransactionReceipt':
      return result(receipt =>
        withFields(receipt, pick([{ blockHash: hash }, { status: '0x0' }, { blockNumber: '0x2' }], random)),
      );
    case 'eth_getBalance':
    case 'eth_getTransactionCount': {
      const by = 1n + BigInt(Math.floor(random() * 1e6));
      return result(honest => toHex(BigInt(String(honest)) + by));
    }
    default:
      return NO_FAULT;
  }
}

function traceLie(random: () => number): TraceLie {
  const valueWei = 10n ** 15n + BigInt(Math.floor(random() * 1e6));
  const from = `0x${'bad0'.repeat(10)}`;
  return pick<TraceLie>(
    [
      { lie: 'empty' },
      { lie: 'hide' },
      { lie: 'invent', from, valueWei },
      { lie: 'alter', change: { value: toHex(valueWei) } },
      { lie: 'alter', change: { from } },
      { lie: 'alter', change: { input: '0xdeadbeef' } },
      { lie: 'alter', change: { type: 'DELEGATECALL' } },
    ],
    random,
  );
}

/** What a question is about, in words that are the same in every run of a schedule: hashes are not. */
async function placeOf(
  { method, params }: RpcCall,
  { chainUrl, originBlock }: Pick<SeededFaultsOptions, 'chainUrl' | 'originBlock'>,
): Promise<string> {
  const [first] = params;
  const at = (number: unknown) => String(BigInt(String(number)) - originBlock);
  switch (method) {
    case 'eth_blockNumber':
      return `at head ${at(await headOf(chainUrl))}`;
    case 'eth_getBlockByNumber':
    case 'debug_traceBlockByNumber':
      return /^0x/.test(String(first)) ? at(first) : `${first} at head ${at(await headOf(chainUrl))}`;
    case 'eth_getBlockByHash':
    case 'debug_traceBlockByHash': {
      const block = await ask(chainUrl, 'eth_getBlockByHash', [first, false]);
      return block === null ? 'gone' : at(block.number);
    }
    case 'eth_getTransactionReceipt':
    case 'eth_getTransactionByHash':
    case 'debug_traceTransaction': {
      const receipt = await ask(chainUrl, 'eth_getTransactionReceipt', [first]);
      return receipt === null ? 'gone' : `${at(receipt.blockNumber)}:${Number(receipt.transactionIndex)}`;
    }
    case 'eth_getBalance':
    case 'eth_getTransactionCount':
      return at(params[1]);
    default:
      return 'any';
  }
}

async function headOf(chainUrl: string): Promise<bigint> {
  const block = await ask(chainUrl, 'eth_getBlockByNumber', ['latest', false]);
  return BigInt(String(block?.number));
}

async function ask(
  chainUrl: string,
  method: string,
  params: readonly unknown[],
): Promise<Readonly<Record<string, unknown>> | null> {
  const answer = await fetch(chainUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result } = (await answer.json()) as { result?: Readonly<Record<string, unknown>> | null };
  return result ?? null;
}

function numberOf(text: string): number {
  return createHash('sha256').update(text).digest().readInt32BE();
}

function pick<Value>(values: readonly Value[], random: () => number): Value {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('there is nothing to choose from');
  return value;
}

function toHex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function lessOrZero(value: bigint, by: bigint): bigint {
  return value > by ? value - by : 0n;
}
