/** The card simulator as a program of its own, by the environment that `npm start` gives it. */
import { parseArgs } from 'node:util';
import { startCardSimulator } from './start-card-simulator.ts';

const USAGE = `usage: node dev/card-simulator/main.ts --port <port> --webhook <url> [--file <path>]

Stands in for Stripe on 127.0.0.1, for development: takes STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET from the
environment.
  --port     where it listens
  --webhook  where it sends events
  --file     where it keeps payments; in memory only without one
  --help     shows this`;

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    webhook: { type: 'string' },
    file: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: secret } = process.env;
if (values.help) console.log(USAGE);
else if (!values.port || !values.webhook || !secretKey || !secret) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const simulator = await startCardSimulator({
    port: Number(values.port),
    file: values.file,
    secretKey,
    webhook: { url: values.webhook, secret },
  });
  console.log(`card simulator: listening on ${simulator.url}`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void simulator.stop().then(() => process.exit(0)));
}
