/**
 * A program that posts a random load to the ledger at DATABASE_URL until it is told to end, or killed:
 * `node loading-process.ts <log> <name> <seed> <instant>`. What it sends and is answered stands in the log before it
 * goes on; see load-log.ts. The ledger's clock starts at the instant and goes on by a millisecond a command.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openBooks } from './books.ts';
import { ask } from './load-command.ts';
import { openLoadLog } from './load-log.ts';
import { LOADED_ACCOUNTS } from './loaded-accounts.ts';
import { RandomLoad } from './random-load.ts';

const CLIENTS = 32;
/** Should the test that started it be gone, it ends by itself. */
const LIFE_MS = 60_000;
const MILLISECOND = 1000n;

const [log = '', name = '', seed = '', instant = ''] = process.argv.slice(2);
const note = openLoadLog(log);
const load = new RandomLoad({ seed: Number(seed), name, accounts: LOADED_ACCOUNTS });
const books = await openBooks(process.env.DATABASE_URL ?? '');
let now = BigInt(instant);
let ending = false;
process.on('SIGTERM', () => {
  ending = true;
});
setTimeout(() => process.exit(1), LIFE_MS).unref();

async function client(): Promise<void> {
  while (!ending) {
    const command = load.next();
    now += MILLISECOND;
    books.now = now;
    note({ sent: command });
    const answer = await ask(books, command);
    note({ answered: command.key, answer });
    load.learn(command, answer);
    // Clients think, and now and then they do so together: batches of one and of many.
    await sleep(Math.abs(command.amount) % 20);
  }
}

console.log('loading');
await Promise.all(Array.from({ length: CLIENTS }, client));
await books.close();
