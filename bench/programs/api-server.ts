/** The API as a process of its own: node api-server.ts <database URL> <port>. No limit is in the way of the load. */
import { listen } from '../../api/parts/api-part.ts';
import { openKysely, openLedger, openPool, readInstallation, SenderLists } from '../../ledger/index.ts';

const [databaseUrl = '', port = ''] = process.argv.slice(2);
const UNLIMITED = 1_000_000_000;

const owner = openPool({ databaseUrl, max: 1 });
const installation = await readInstallation(openKysely(owner));
await owner.end();
const ledger = await openLedger({
  databaseUrl,
  role: 'credits_api',
  // Debits do not ask the chain anything.
  rpcUrl: 'http://127.0.0.1:1',
  installation,
  senders: new SenderLists(),
});
await listen(
  {
    mode: 'dev',
    host: '127.0.0.1',
    port: Number(port),
    publicUrl: `http://127.0.0.1:${port}`,
    trustedProxies: [],
    doors: {
      rateLimits: {
        anonymous: UNLIMITED,
        network: UNLIMITED,
        key: UNLIMITED,
        service: UNLIMITED,
        failures: UNLIMITED,
      },
      requestsInFlightMax: 10_000,
      loggedRequests: 'problems',
    },
  },
  ledger,
  line => console.error(line),
);
console.log('listening');
