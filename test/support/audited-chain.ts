/** A short history of the payment address on a real chain, recorded in a real ledger, to be audited. */
import type pg from 'pg';
import {
  type Address,
  type Chain,
  createTestClient,
  encodeFunctionData,
  type Hash,
  type Hex,
  http,
  parseEther,
  publicActions,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { type CompiledContract, compileSolidity } from '../../dev/compile-solidity.ts';
import { freePort } from '../../dev/free-port.ts';
import { readAlarms } from '../../ledger/alarms/alarm.ts';
import { instantOfSeconds } from '../../ledger/core/instant.ts';
import { checkBalance } from '../../ledger/intake/balance-check.ts';
import { writeSettledBlock } from '../../ledger/intake/chain-progress.ts';
import { readFinalReceipt } from '../../ledger/intake/final-receipt.ts';
import type { IndexedTransfer } from '../../ledger/intake/indexed-transfers.ts';
import { chainReceiptId } from '../../ledger/intake/receipt-facts.ts';
import { recordOutgoing } from '../../ledger/intake/record-outgoing.ts';
import { testify } from '../../ledger/intake/testimony.ts';
import { openPool } from '../../ledger/store/postgres.ts';
import { createDatabase } from './database.ts';
import { type FaultyRpc, startFaultyRpc } from './faulty-rpc.ts';
import { PAYMENT_ADDRESS } from './installation.ts';
import { IntakeSteps } from './intake-steps.ts';
import { readInstant } from './scenario.ts';

const ETH = parseEther('1');
const CONTRACTS = ['Batch', 'DelegateCaller', 'Forwarder', 'RevertingForwarder', 'SelfDestructor'] as const;
type ContractName = (typeof CONTRACTS)[number];

/** A payment that the chain has and the ledger has recorded. */
export interface AuditedPayment {
  readonly receiptId: string;
  readonly blockNumber: bigint;
  readonly amountWei: bigint;
}

export interface AuditedChain {
  readonly databaseUrl: string;
  readonly rpc: FaultyRpc;
  /** In the order of the chain: by plain calls, batches, contracts and a SELFDESTRUCT. */
  readonly payments: readonly AuditedPayment[];
  /** A transaction that took ETH away, one that failed, and one that sent ETH in a circle. */
  readonly outgoing: { readonly withdrawal: Hash; readonly failed: Hash; readonly circle: Hash };
  /** The block at which the books open, and the last one that is finally taken in. */
  readonly after: bigint;
  readonly through: bigint;
  readonly owner: pg.Pool;
  /** Changes what is recorded behind the triggers' back. */
  tamper(statement: string): Promise<void>;
  /** Puts back what was recorded. */
  restore(): Promise<void>;
  stop(): Promise<void>;
}

const RECORDED = ['receipts', 'receipt_inclusions', 'withdrawals', 'sent_transactions', 'balance_progress'];
/** An address whose code always fails. */
const FAILING: Address = `0x${'fd'.repeat(20)}`;

export async function startAuditedChain(): Promise<AuditedChain> {
  const [anvil, database] = await Promise.all([
    freePort().then(port => startChain({ port })),
    createDatabase(),
  ]);
  const rpc = await startFaultyRpc(anvil.rpcUrl);
  const owner = openPool({ databaseUrl: database.url, max: 2 });
  const tamper = async (statement: string) => {
    await owner.query(`begin; set local session_replication_role = 'replica'; ${statement}; commit`);
  };
  const client = clientAt(anvil.rpcUrl);
  const genesis = await client.getBlock({ blockNumber: 0n });
  await tamper(`update installation set genesis_hash = '${genesis.hash}'`);
  const now = readInstant('2026-03-01 15:00');
  const steps = await IntakeSteps.open(database.url, now, { rpcUrl: anvil.rpcUrl });
  const history = await writeHistory(client, steps);
  // Beside the ledger's schema, which is compared with what it should be.
  await owner.query('create schema kept');
  for (const table of RECORDED) await owner.query(`create table kept.${table} as select * from ${table}`);
  return {
    databaseUrl: database.url,
    rpc,
    ...history,
    owner,
    tamper,
    restore: () =>
      tamper(
        RECORDED.map(table => `delete from ${table}; insert into ${table} select * from kept.${table}`).join(
          '; ',
        ),
      ),
    async stop() {
      await Promise.all([rpc.stop(), anvil.kill(), steps.close(), owner.end()]);
      await database.drop();
    },
  };
}

function clientAt(rpcUrl: string) {
  const transport = http(rpcUrl);
  return createTestClient({
    mode: 'anvil',
    chain: base as Chain,
    transport,
    cacheTime: 0,
    pollingInterval: 20,
  })
    .extend(publicActions)
    .extend(walletActions);
}

async function writeHistory(client: ReturnType<typeof clientAt>, steps: IntakeSteps) {
  const payer = privateKeyToAccount(DEV_ACCOUNTS[1].privateKey);
  const folder = new URL('contracts/', import.meta.url).pathname;
  const compiled = compileSolidity(
    Object.fromEntries(CONTRACTS.map(name => [`${name}.sol`, `${folder}${name}.sol`])),
    { cacheFolder: SOLIDITY_CACHE },
  );
  const contracts = new Map<ContractName, { address: Address; contract: CompiledContract }>();
  for (const name of CONTRACTS) {
    const contract = compiled[name];
    if (!contract) throw new Error(`${name} was not compiled`);
    const { abi, bytecode } = contract;
    const hash = await client.deployContract({ account: payer, abi, bytecode });
    const { contractAddress } = await client.waitForTransactionReceipt({ hash });
    if (!contractAddress) throw new Error(`${name} was not deployed`);
    contracts.set(name, { address: contractAddress, contract });
  }
  const call = (name: ContractName, functionName: string, args: readonly unknown[]) => {
    const deployed = contracts.get(name);
    if (!deployed) throw new Error(`${name} is not deployed`);
    const data = encodeFunctionData({ abi: deployed.contract.abi, functionName, args });
    return { to: deployed.address, data };
  };
  const send = (
    sending: { to: Address; value?: bigint; data?: Hex },
    account: Address | typeof payer = payer,
  ) => client.sendTransaction({ account, gas: 500_000n, ...sending });
  const mined = async (hash: Hash) => (await client.waitForTransactionReceipt({ hash })).blockNumber;
  const wait = () => client.mine({ blocks: 23 });

  await client.impersonateAccount({ address: PAYMENT_ADDRESS });
  await client.setCode({ address: FAILING, bytecode: '0x60006000fd' });
  // What was there before the books opened.
  await mined(await send({ to: PAYMENT_ADDRESS, value: 3n * ETH }));
  await client.mine({ blocks: 10 });
  const after = await client.getBlockNumber();

  const paying: (readonly [hash: Hash, traceIndexes: readonly number[]])[] = [];
  const pays = async (sending: Parameters<typeof send>[0], ...traceIndexes: number[]) => {
    await wait();
    const hash = await send(sending);
    await mined(hash);
    paying.push([hash, traceIndexes]);
  };
  await pays({ to: PAYMENT_ADDRESS, value: ETH }, 0);
  await pays({ ...call('Batch', 'pay', [PAYMENT_ADDRESS, [5n, 7n]]), value: 12n }, 1, 2);
  await pays({ ...call('Forwarder', 'forward', [PAYMENT_ADDRESS, '0x1234']), value: 11n }, 1);
  await wait();
  const withdrawal = await send({ to: payer.address, value: ETH / 2n }, PAYMENT_ADDRESS);
  await mined(withdrawal);
  await wait();
  const failed = await send({ to: FAILING, value: 1n }, PAYMENT_ADDRESS);
  await mined(failed);
  await pays({ ...call('SelfDestructor', 'destroy', [PAYMENT_ADDRESS]), value: 19n }, 1);
  await wait();
  const forward = call('Forwarder', 'forward', [PAYMENT_ADDRESS, '0x']);
  const circle = await send({ ...forward, value: 23n }, PAYMENT_ADDRESS);
  await mined(circle);
  paying.push([circle, [1]]);
  await wait();
  // Two in a block, of the same amount, among others that move no ETH to the address although their traces look so.
  await client.setAutomine(false);
  const undone = call('RevertingForwarder', 'payAndSwallow', [PAYMENT_ADDRESS]);
  const delegated = call('DelegateCaller', 'delegate', [PAYMENT_ADDRESS, '0x']);
  const first = await send({ to: PAYMENT_ADDRESS, value: 29n });
  await send({ ...undone, value: 13n });
  await send({ ...delegated, value: 17n });
  const twins = [first, await send({ to: PAYMENT_ADDRESS, value: 29n })];
  await client.mine({ blocks: 1 });
  await client.setAutomine(true);
  for (const hash of twins) paying.push([hash, [0]]);
  await pays({ to: PAYMENT_ADDRESS, value: 2n * ETH, data: `0x${'ab'.repeat(65)}` }, 0);
  await wait();
  const through = await client.getBlockNumber();
  await client.mine({ blocks: 2 });

  const payments: AuditedPayment[] = [];
  for (const [hash, traceIndexes] of paying)
    for (const traceIndex of traceIndexes) {
      const transfer = await told(steps, client, hash, traceIndex);
      await steps.record(transfer);
      const { blockNumber, amountWei } = transfer;
      payments.push({ receiptId: chainReceiptId(base.id, hash, traceIndex), blockNumber, amountWei });
    }
  for (const [hash, toAddress, amountWei] of [
    [withdrawal, payer.address.toLowerCase(), ETH / 2n],
    [circle, forward.to.toLowerCase(), 23n],
  ] as const)
    await recordWithdrawal(steps, client, { hash, toAddress, amountWei });
  await writeSettledBlock(steps.context, through);
  await checkBalance({ ...steps.context, startBlock: after + 1n }, through);
  const alarms = await readAlarms(steps.db);
  if (alarms.length > 0) throw new Error(`the history is not recorded soundly: ${alarms[0]?.message}`);
  return { payments, outgoing: { withdrawal, failed, circle }, after, through };
}

/** What the chain says of a payment, by the intake's own way of asking. */
async function told(
  { context }: IntakeSteps,
  client: ReturnType<typeof clientAt>,
  hash: Hash,
  traceIndex: number,
): Promise<IndexedTransfer> {
  const { blockNumber, blockHash } = await client.getTransactionReceipt({ hash });
  const seen = { transactionHash: hash, traceIndex, blockNumber, blockHash };
  const testimony = await testify(context.rpcs[0], seen, PAYMENT_ADDRESS);
  if (testimony.says !== 'transfer')
    throw new Error(`the chain does not have frame ${traceIndex} of ${hash}`);
  return testimony.transfer;
}

async function recordWithdrawal(
  { context, now }: IntakeSteps,
  client: ReturnType<typeof clientAt>,
  { hash, toAddress, amountWei }: { hash: Hash; toAddress: string; amountWei: bigint },
): Promise<void> {
  const receipt = await readFinalReceipt(context.client, hash);
  if (!receipt) throw new Error('a withdrawal is in no block');
  const { blockNumber, blockHash } = receipt;
  const { timestamp } = await client.getBlock({ blockNumber });
  const frame: IndexedTransfer = {
    ...{ transactionHash: hash, transactionIndex: 0, traceIndex: 0, direction: 'out', frameType: 'CALL' },
    ...{ transactionType: 'eip1559', blockNumber, blockHash, blockTimestamp: timestamp },
    ...{ fromAddress: PAYMENT_ADDRESS, toAddress, amountWei, input: '0x', inputLength: 0 },
  };
  await recordOutgoing(context, { receipt, blockAt: instantOfSeconds(timestamp), frames: [frame] }, now);
}
