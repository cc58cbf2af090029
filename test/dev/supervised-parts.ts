/** A process for the supervisor's test to kill: it keeps PostgreSQL, Anvil and a stubborn child running. */
import { join } from 'node:path';
import { startChain } from '../../dev/chain.ts';
import { startChild } from '../../dev/child-process.ts';
import { freePort } from '../../dev/free-port.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { startSupervisor } from '../../dev/supervisor.ts';

const [folder = ''] = process.argv.slice(2);
const supervisor = startSupervisor({
  onFatal(error) {
    throw error;
  },
});
// Before anything is said of being ready: who reads that may send the signal at once.
process.on('SIGTERM', () => void supervisor.stop());
const [postgresPort, chainPort] = [await freePort(), await freePort()];
const postgres = await supervisor.run({
  name: 'PostgreSQL',
  start: watch => startPostgres({ folder: join(folder, 'postgres'), port: postgresPort, ...watch }),
});
const chain = await supervisor.run({
  name: 'The local chain',
  start: watch => startChain({ port: chainPort, folder: join(folder, 'chain'), ...watch }),
});
const stubborn = await supervisor.run({
  name: 'The stubborn part',
  start: watch =>
    startChild({
      name: 'The stubborn part',
      command: process.execPath,
      args: ['-e', `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`],
      ready: /up/,
      logFile: join(folder, 'stubborn.log'),
      stopGraceMs: 200,
      ...watch,
    }),
});
const parts = [postgres, chain, stubborn].map(({ pid }) => pid);
console.log(JSON.stringify({ parts, watchdog: supervisor.watchdogPid }));
